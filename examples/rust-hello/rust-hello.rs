// A plugin in Rust. Compiled to lib/rust-hello.so, it answers
//
//     curl 'http://127.0.0.1:3000/_PLUGIN/rust-hello/Hello?name=Ada'
#![allow(non_snake_case)] // the names of the exported functions are the host's

use std::ffi::{c_char, c_int, c_void, CStr, CString};
use std::panic::catch_unwind;
use std::ptr::null_mut;

/// The first value of a query parameter in the request, `{..."url_query":{"name":["Ada"]}...}`, as it stands there: a
/// JSON string with its quotes and escapes, ready to be copied into other JSON.
/// A quote inside a string is written `\"`, so `{"name":["` and `,"name":["` can't be anything but the key.
fn query_value<'a>(request: &'a str, key: &str) -> Option<&'a str> {
    let rest = format!("\"{key}\":[\"");
    let found = request.find(&format!("{{{rest}")).or_else(|| request.find(&format!(",{rest}")))?;
    let value = &request[found + rest.len()..];
    let mut escaped = false;
    let inside = value[1..].find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    Some(&value[..inside + 2])
}

fn hello(request: &CStr) -> Option<CString> {
    let name = query_value(request.to_str().ok()?, "name").unwrap_or("\"world\"");
    CString::new(format!("{{\"hello\":{name}}}")).ok()
}

/// GET /_PLUGIN/rust-hello/Hello. A panic must not leave a handler: it would end the process. NULL is answered 500.
#[no_mangle]
pub extern "C" fn GETHelloHandler(lent_request: *const c_char, status: *mut c_int) -> *mut c_char {
    // SAFETY: the host lends a NUL-terminated text that stays as it is until this function returns.
    let request = unsafe { CStr::from_ptr(lent_request) };
    match catch_unwind(|| hello(request)) {
        Ok(Some(reply)) => reply.into_raw(),
        _ => {
            // SAFETY: the host lends an int.
            unsafe { *status = 500 };
            CString::new(r#"{"error":"no greeting today"}"#).map_or(null_mut(), CString::into_raw)
        }
    }
}

/// The host calls this on each reply, as soon as it has made its copy.
#[no_mangle]
pub extern "C" fn PluginFree(given: *mut c_void) {
    // SAFETY: all that this library gives was made by CString::into_raw.
    drop(unsafe { CString::from_raw(given.cast()) });
}

/// How many threads may be inside the library at once; 0 is any number. Nothing here is shared.
#[no_mangle]
pub extern "C" fn PluginConcurrency() -> c_int {
    0
}
