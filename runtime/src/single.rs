//! Globals of a program that has one thread.

use core::cell::UnsafeCell;

/// A global that only the one thread of the process touches.
pub struct Single<T>(UnsafeCell<T>);

// SAFETY: the host never starts a second thread; spawn's child has the memory only while the parent is stopped.
unsafe impl<T> Sync for Single<T> {}

impl<T> Single<T> {
    pub const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// The place of the value; whoever makes a reference of it sees to it that it is the only one.
    pub const fn get(&self) -> *mut T {
        self.0.get()
    }
}
