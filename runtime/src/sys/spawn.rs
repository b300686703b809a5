//! Runs a program: feeds it, collects what it says, within a time and a size. Its caller may do something else between
//! start and end.

use alloc::ffi::CString;
use alloc::vec::Vec;
use core::ffi::{c_char, c_int};
use rquickjs::{Object, Value};
use rustix::fd::AsRawFd;
use rustix::io::Errno;

use super::child::{Child, Program, start as start_child};
use super::clock::monotonic;
use super::pipe::pipe;
use super::supervise::{Ended, Limits, Streams, supervise};
use crate::call::{Call, bytes, c_string, c_strings, integer, property};
use crate::errno;
use crate::failure::{Failure, Outcome};
use crate::single::Single;

const OUTPUT_LIMIT: usize = 16 << 20;

/// A program that runs.
struct Running {
    child: Child,
    streams: Streams,
    limits: Limits,
}

/// Those that `start` has started and `finish` has not yet collected.
static STARTED: Single<Vec<Running>> = Single::new(Vec::new());

/// `start({ path, argv, env, stdin, timeoutMs?, outputLimit? })`
pub fn start<'js>(call: &Call<'js>) -> Outcome<'js> {
    let running = begin(call)?;
    let pid = running.child.pid;
    // SAFETY: one thread, and no other reference to it lives.
    let started = unsafe { &mut *STARTED.get() };
    started.try_reserve(1)?;
    started.push(running);
    call.number(pid)
}

/// `finish(pid)`: waits for the end of one that `start` has started, once.
pub fn finish<'js>(call: &Call<'js>) -> Outcome<'js> {
    let pid: i32 = call.integer(0, "pid")?;
    // SAFETY: one thread, and no other reference to it lives.
    let started = unsafe { &mut *STARTED.get() };
    let place = started.iter().position(|running| running.child.pid == pid);
    let Some(place) = place else { return Err(Errno::CHILD.into()) };
    let Running { child, streams, limits } = started.swap_remove(place);
    result(call, supervise(&child, streams, &limits)?)
}

/// `execve(path, argv, env)`: this process goes on as that program. Signals that are blocked or ignored stay so.
pub fn execve<'js>(call: &Call<'js>) -> Outcome<'js> {
    let path = call.path(0, "path")?;
    let arguments = c_strings(&call.value(1), "argv")?;
    let environment = c_strings(&call.value(2), "env")?;
    let (arguments, environment) = (pointers(&arguments), pointers(&environment));
    // SAFETY: a C string, and lists of them that end with a null; all outlive the call.
    unsafe { libc::execve(path.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    Err(errno::last().into())
}

fn begin(call: &Call) -> Result<Running, Failure> {
    let what = call.object(0, "what")?;
    let path: Value = what.get("path")?;
    call.name_path(path.clone());
    let path = c_string(&path, "path")?;
    let arguments = c_strings(&what.get("argv")?, "argv")?;
    let environment = c_strings(&what.get("env")?, "env")?;
    let input = bytes(&what.get("stdin")?, "stdin")?;
    let time = property(&what, "timeoutMs", milliseconds)?;
    let limits = Limits {
        deadline: time.map(|limit| Ok::<_, Errno>(monotonic()? + limit)).transpose()?,
        output: property(&what, "outputLimit", integer)?.unwrap_or(OUTPUT_LIMIT),
    };
    let (child, streams) = run(&path, &arguments, &environment, input)?;
    Ok(Running { child, streams, limits })
}

fn milliseconds(value: &Value, name: &str) -> Result<f64, Failure> {
    value.as_number().ok_or_else(|| Failure::Type(alloc::format!("{name}: want a number")))
}

fn run(
    path: &CString,
    arguments: &[CString],
    environment: &[CString],
    input: &[u8],
) -> Result<(Child, Streams), Failure> {
    let (stdin, feed) = pipe()?;
    let (out, stdout) = pipe()?;
    let (err, stderr) = pipe()?;
    let streams = Streams::new(feed, out, err, input)?;
    let (arguments, environment) = (pointers(arguments), pointers(environment));
    let child = start_child(&Program {
        path: path.as_ptr(),
        arguments: arguments.as_ptr(),
        environment: environment.as_ptr(),
        stdin: stdin.as_raw_fd(),
        stdout: stdout.as_raw_fd(),
        stderr: stderr.as_raw_fd(),
    })?;
    Ok((child, streams))
}

/// The list that execve(2) wants.
fn pointers(texts: &[CString]) -> Vec<*const c_char> {
    texts.iter().map(|text| text.as_ptr()).chain([core::ptr::null()]).collect()
}

fn result<'js>(call: &Call<'js>, ended: Ended) -> Outcome<'js> {
    let object: Object = call.new_object()?;
    let status: c_int = ended.status;
    if libc::WIFEXITED(status) {
        object.set("status", libc::WEXITSTATUS(status))?;
    } else {
        object.set("signal", libc::WTERMSIG(status))?;
    }
    object.set("stdout", super::buffer::into_array(call, ended.stdout)?)?;
    object.set("stderr", super::buffer::into_array(call, ended.stderr)?)?;
    object.set("timedOut", ended.timed_out)?;
    object.set("outputExceeded", ended.output_exceeded)?;
    Ok(object.into_value())
}
