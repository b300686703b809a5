//! Whether modules are evaluated just now: then they may touch nothing.

use core::sync::atomic::{AtomicBool, Ordering};

static BUILDING: AtomicBool = AtomicBool::new(false);

pub fn set(building: bool) {
    BUILDING.store(building, Ordering::Relaxed);
}

pub fn is_set() -> bool {
    BUILDING.load(Ordering::Relaxed)
}
