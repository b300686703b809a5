//! The engine: made once, when the program is built or when it starts without its image, and run once.

use rquickjs::context::intrinsic;
use rquickjs::promise::PromiseState;
use rquickjs::{Context, Ctx, Function, Module, Persistent, Promise, Runtime, Value, qjs};

use crate::allocator::EngineAllocator;
use crate::failure::Failure;
use crate::{building, clock, report, table, trace};

/// All but `eval`, `performance` and DOM things.
pub type Intrinsics = (
    intrinsic::Date,
    intrinsic::RegExpCompiler,
    intrinsic::RegExp,
    intrinsic::Json,
    intrinsic::Proxy,
    intrinsic::MapSet,
    intrinsic::TypedArrays,
    intrinsic::Promise,
    intrinsic::WeakRef,
);

/// Collect cycles when the heap has grown by about this much: in a short life hardly ever.
const GC_THRESHOLD: usize = if cfg!(feature = "daemon") { 1 << 20 } else { 16 << 20 };
/// The most a daemon may have: the engine then throws, and the system need not choose whom to end.
#[cfg(feature = "daemon")]
const MEMORY_LIMIT: usize = 256 << 20;
/// JavaScript's stack, if the process has twice that; else half of what it has.
const STACK: usize = 2 << 20;

/// A loaded program.
pub struct Engine {
    runtime: Runtime,
    context: Context,
    main: Persistent<Function<'static>>,
}

pub fn or_fatal<T>(made: rquickjs::Result<T>) -> T {
    made.unwrap_or_else(|_| report::fatal(&[b"no memory for the engine"]))
}

pub fn new_runtime() -> Runtime {
    let runtime = or_fatal(Runtime::new_with_alloc(EngineAllocator));
    runtime.set_gc_threshold(usize::MAX);
    #[cfg(feature = "daemon")]
    runtime.set_memory_limit(MEMORY_LIMIT);
    runtime.set_max_stack_size(stack_size());
    runtime
}

/// Half of what RLIMIT_STACK leaves, [`STACK`] at most.
fn stack_size() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Stack).current;
    limit.map_or(STACK, |limit| STACK.min(limit as usize / 2))
}

/// Makes an engine and evaluates the module, during which it can touch nothing.
pub fn load(bytecode: &[u8]) -> Engine {
    let runtime = new_runtime();
    let context = or_fatal(Context::custom::<Intrinsics>(&runtime));
    clock::forget_reads();
    building::set(true);
    let main = context
        .with(|ctx| evaluate(&ctx, bytecode).unwrap_or_else(|_| trace::fatal_exception(&ctx)));
    building::set(false);
    if clock::was_read() {
        report::fatal(&[b"the program asked for the time while it was built (Date)"]);
    }
    Engine { runtime, context, main }
}

fn evaluate(ctx: &Ctx, bytecode: &[u8]) -> Result<Persistent<Function<'static>>, Failure> {
    // SAFETY: the context is alive.
    if unsafe { qjs::JS_AddIntrinsicBigInt(ctx.as_raw().as_ptr()) } < 0 {
        return Err(Failure::Thrown);
    }
    table::install(ctx)?;
    // SAFETY: bytecode comes from `compile` of this very host: the trailer's build id was compared.
    let module = unsafe { Module::load(ctx.clone(), bytecode) }?;
    let (_, promise) = module.eval()?;
    run_jobs(ctx)?;
    match promise.state() {
        PromiseState::Resolved => {}
        PromiseState::Rejected => drop(promise.result::<Value>().transpose()?),
        PromiseState::Pending => {
            report::fatal(&[b"the program waits for something while it is built"])
        }
    }
    let main: Value = ctx.globals().get("main")?;
    match main.into_function() {
        Some(main) => Ok(Persistent::save(ctx, main)),
        None => report::fatal(&[b"the program sets no globalThis.main"]),
    }
}

/// Runs what promises left to do.
fn run_jobs(ctx: &Ctx) -> Result<(), Failure> {
    loop {
        let mut job_context = core::ptr::null_mut();
        // SAFETY: the runtime is the one of a live context.
        let ran = unsafe {
            qjs::JS_ExecutePendingJob(qjs::JS_GetRuntime(ctx.as_raw().as_ptr()), &mut job_context)
        };
        match ran {
            0 => return Ok(()),
            1.. => {}
            _ => return Err(Failure::Thrown),
        }
    }
}

impl Engine {
    /// Makes the heap small and the same every time, before an image is written or a daemon's life begins.
    pub fn settle(&self) {
        self.runtime.run_gc();
        self.runtime.set_gc_threshold(GC_THRESHOLD);
    }

    /// Calls `main` and runs what it left to do; the status to leave with.
    pub fn run(&self) -> i32 {
        self.context.with(|ctx| {
            // SAFETY: the runtime is the one of a live context; the stack is elsewhere than when it was made.
            unsafe {
                let runtime = qjs::JS_GetRuntime(ctx.as_raw().as_ptr());
                qjs::JS_UpdateStackTop(runtime);
                qjs::JS_SetMaxStackSize(runtime, stack_size() as _);
            }
            call_main(&ctx, &self.main).unwrap_or_else(|_| trace::fatal_exception(&ctx))
        })
    }
}

fn call_main(ctx: &Ctx, main: &Persistent<Function<'static>>) -> Result<i32, Failure> {
    let returned: Value = main.clone().restore(ctx)?.call(())?;
    run_jobs(ctx)?;
    let Some(promise) = returned.as_promise() else { return Ok(status(&returned)) };
    settled(promise)
}

fn settled(promise: &Promise) -> Result<i32, Failure> {
    match promise.result::<Value>() {
        Some(value) => Ok(status(&value?)),
        None => report::fatal(&[b"main waits for something that nothing will do"]),
    }
}

fn status(value: &Value) -> i32 {
    value.as_number().map_or(0, |number| number as i32)
}
