//! What stands in the global scope beside the host: console, text encoding, random numbers.

mod console;
mod encoding;
mod random;

use crate::call::Call;
use crate::failure::Outcome;
use crate::native::{Native, Owner};

pub const FUNCTIONS: &[Native] = &[
    Native::pure(Owner::Global, c"TextEncoder", 0, encoding::new_encoder),
    Native::pure(Owner::TextEncoder, c"encode", 1, encoding::encode),
    Native::pure(Owner::Global, c"TextDecoder", 2, encoding::new_decoder),
    Native::pure(Owner::TextDecoder, c"decode", 1, encoding::decode),
    Native::impure(Owner::Console, c"error", 1, console::line),
    Native::impure(Owner::Console, c"warn", 1, console::line),
    Native::impure(Owner::Console, c"log", 1, console::line),
    Native::impure(Owner::Math, c"random", 0, random::random),
];

/// Does nothing.
pub fn nothing<'js>(call: &Call<'js>) -> Outcome<'js> {
    call.done()
}
