/* symbols.h - a library sees its own symbols first. */
#ifndef DLSERVE_SYMBOLS_H
#define DLSERVE_SYMBOLS_H

/* Node.js exports tens of thousands of symbols, those of its zlib, OpenSSL, libuv and libstdc++ among them, and the system's
 * loader gives a library what the program has before what the library itself or the libraries that it needs have: its crc32
 * would be Node's. This binds such references anew, to the library and to what came with it.
 *
 * RTLD_DEEPBIND is no way to have that: it prefers what libc has even to what the program has put in its place. A library would see
 * another `environ` and an unborn `std::cout` (both are copied into the program), and free by libc what an allocator in LD_PRELOAD
 * has given.
 *
 * To be called after dlopen, which has run the library's constructors, and before anything else of it runs. Elsewhere than with
 * glibc it does nothing: macOS binds by library, and musl is not what Node.js is built for.
 * handle: the library's, from dlopen */
void symbols_bind_own(void *handle);

#endif
