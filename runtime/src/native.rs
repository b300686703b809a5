//! A function that TypeScript can call, as the tables of [`crate::sys`] and [`crate::globals`] have it.

use core::ffi::CStr;

use crate::building;
use crate::call::Call;
use crate::failure::{Failure, Outcome};

type Run = for<'js> fn(&Call<'js>) -> Outcome<'js>;

/// The object a function belongs to.
#[derive(Clone, Copy, PartialEq)]
pub enum Owner {
    Host,
    Console,
    Math,
    TextEncoder,
    TextDecoder,
    /// A constructor in the global scope; the functions of its prototype have the owner of its name.
    Global,
}

/// One function.
pub struct Native {
    pub owner: Owner,
    pub name: &'static CStr,
    pub length: i32,
    run: Run,
    /// May run while the image is made: touches nothing outside.
    pure: bool,
}

impl Native {
    /// A function of the host.
    pub const fn host(name: &'static CStr, length: i32, run: Run) -> Self {
        Self { owner: Owner::Host, name, length, run, pure: false }
    }

    /// A function of another object, that may be called while the image is made.
    pub const fn pure(owner: Owner, name: &'static CStr, length: i32, run: Run) -> Self {
        Self { owner, name, length, run, pure: true }
    }

    /// A function of another object, that may not.
    pub const fn impure(owner: Owner, name: &'static CStr, length: i32, run: Run) -> Self {
        Self { owner, name, length, run, pure: false }
    }

    pub fn run<'js>(&self, call: &Call<'js>) -> Outcome<'js> {
        if !self.pure && building::is_set() {
            return Err(Failure::Type("called while the program is built".into()));
        }
        (self.run)(call)
    }

    pub const fn copy(&self) -> Self {
        Self {
            owner: self.owner,
            name: self.name,
            length: self.length,
            run: self.run,
            pure: self.pure,
        }
    }
}
