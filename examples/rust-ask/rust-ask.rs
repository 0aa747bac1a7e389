// A plugin that asks the host, in Rust. Compiled to lib/rust-ask.so, it answers
//
//     curl 'http://127.0.0.1:3000/_PLUGIN/rust-ask/Visits'
#![allow(non_snake_case)] // the names of the exported functions are the host's

use std::ffi::{c_char, c_int, c_void, CStr, CString};
use std::panic::catch_unwind;
use std::ptr::{null, null_mut};

/// What of dlserve.h is used here; the fields and their order are the header's.
mod dlserve {
    use super::{c_char, c_int, c_void};

    pub const ABI: u32 = 2;
    pub const OK: c_int = 0;
    pub const INFO: c_int = 1;

    #[repr(C)]
    pub struct Exchange {
        pub size: u32,
        pub abi: u32,
        pub lent_request_body: *const u8,
        pub lent_request_body_length: usize,
        pub deadline_unix_ms: i64,
        pub given_reply_body: *const u8,
        pub given_reply_body_length: usize,
        pub given_reply_headers: *const c_char,
        pub host: *const Host,
    }

    #[repr(C)]
    pub struct Host {
        pub size: u32,
        pub unused: u32,
        pub write: extern "C" fn(*mut Exchange, *const c_void, usize) -> c_int,
        pub read: extern "C" fn(*mut Exchange, *mut c_void, usize) -> i64,
        pub is_cancelled: extern "C" fn(*mut Exchange) -> c_int,
        pub ask: extern "C" fn(*mut Exchange, *const c_char, *const c_char, *mut *const c_char) -> c_int,
        pub log: extern "C" fn(*mut Exchange, c_int, *const c_char),
    }
}

/// The exchange of a call, as long as its handler runs.
struct Call(*mut dlserve::Exchange);

impl Call {
    /// The functions of the host; None where it has none.
    fn host(&self) -> Option<&dlserve::Host> {
        // SAFETY: the host lends an exchange, and where that is of ABI 2 its functions.
        unsafe { ((*self.0).abi >= 2).then(|| &*(*self.0).host) }
    }

    /// The answer of a service, as JSON; or the error, as JSON too.
    fn ask(&self, service: &CStr, params: &CStr) -> Result<String, String> {
        let host = self.host().ok_or("this host has no services")?;
        let mut answer: *const c_char = null();
        let said = (host.ask)(self.0, service.as_ptr(), params.as_ptr(), &mut answer);
        // SAFETY: the host lends the answer until the next question.
        let answer = unsafe { CStr::from_ptr(answer) }.to_string_lossy().into_owned();
        if said == dlserve::OK { Ok(answer) } else { Err(answer) }
    }

    fn log(&self, level: c_int, text: &str) {
        if let (Some(host), Ok(text)) = (self.host(), CString::new(text)) {
            (host.log)(self.0, level, text.as_ptr());
        }
    }
}

fn visits(call: &Call) -> Result<String, String> {
    let count = call.ask(c"state", cr#"{"op":"increment","key":"visits"}"#)?;
    call.log(dlserve::INFO, &format!("visit {count}"));
    Ok(format!("{{\"visits\":{count}}}"))
}

/// GET /_PLUGIN/rust-ask/Visits. A panic must not leave a handler: it would end the process. NULL is answered 500.
#[no_mangle]
pub extern "C" fn GETVisitsHandler(_request: *const c_char, status: *mut c_int, exchange: *mut dlserve::Exchange) -> *mut c_char {
    let reply = catch_unwind(|| visits(&Call(exchange))).unwrap_or_else(|_| Err("{}".into()));
    let text = reply.unwrap_or_else(|error| {
        // SAFETY: the host lends an int.
        unsafe { *status = 503 };
        error
    });
    CString::new(text).map_or(null_mut(), CString::into_raw)
}

#[no_mangle]
pub extern "C" fn PluginABI() -> u32 {
    dlserve::ABI
}

/// The host calls this on each reply, as soon as it has made its copy.
#[no_mangle]
pub extern "C" fn PluginFree(given: *mut c_void) {
    // SAFETY: all that this library gives was made by CString::into_raw.
    drop(unsafe { CString::from_raw(given.cast()) });
}
