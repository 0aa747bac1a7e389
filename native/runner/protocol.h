/* protocol.h - what host and runner say to each other. src/runtimes/supervised/runner/protocol.ts holds the same numbers and tells who
 * sends what and who must answer; a test compares the two.
 *
 * Every frame begins with 8 bytes: u32 length of the whole frame, u8 message, u8 flags, u16 number. All numbers are
 * little-endian; f64 are milliseconds. */
#ifndef DLSERVE_PROTOCOL_H
#define DLSERVE_PROTOCOL_H

#include <stdint.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the runner needs a little-endian machine"
#endif

#define PROTOCOL_MAGIC 0x56534c44
#define PROTOCOL_VERSION 1

/* Descriptors that the runner is started with. */
#define PROTOCOL_CALLS_FD 3
#define PROTOCOL_REPLIES_FD 4
#define PROTOCOL_SHARED_FD 5

#define PROTOCOL_HELLO 1
#define PROTOCOL_OPEN 2
#define PROTOCOL_OPENED 3
#define PROTOCOL_FAILED 4
#define PROTOCOL_CALL 5
#define PROTOCOL_REPLY 6
#define PROTOCOL_STOP 7
#define PROTOCOL_STOPPED 8

#define PROTOCOL_FRAME_HEADER 8
/* HELLO: number = version; u32 magic, u32 unused, f64 sender's monotonic clock */
#define PROTOCOL_HELLO_SIZE 24
/* OPEN: u32 concurrency (0: the library's), u32 what "any number" means, f64 memory in bytes (0: no limit), u32 the largest
 * reply, u32 symbols; then path, config and each symbol, each with its NUL */
#define PROTOCOL_OPEN_HEADER 32
/* OPENED: u32 threads at most, u32 unused */
#define PROTOCOL_OPENED_SIZE 16
/* FAILED: number = stage; i32 detail, u32 unused; then words */
#define PROTOCOL_FAILED_HEADER 16
/* CALL: number = symbol; u64 id, f64 monotonic deadline, f64 the same since 1970, u32 bytes of the head; then head, body */
#define PROTOCOL_CALL_HEADER 36
/* REPLY: u64 id, i32 status, u32 microseconds in the handler, u32 bytes of the headers; then headers, body */
#define PROTOCOL_REPLY_HEADER 28

#define PROTOCOL_MAX_FRAME 0x40000000

/* Flags of CALL */
#define PROTOCOL_CALL_HAS_BODY 1

/* Flags of REPLY */
#define PROTOCOL_REPLY_HAS_BODY 1
#define PROTOCOL_REPLY_ASCII 2
#define PROTOCOL_REPLY_HAS_HEADERS 4
/* Its deadline had passed, or it was cancelled, before the call began; it never will. */
#define PROTOCOL_REPLY_SKIPPED 8
/* The body is not the handler's but an f64: how many bytes it gave. */
#define PROTOCOL_REPLY_TOO_LARGE 16
/* There was no memory to hold the request; the handler was not called. */
#define PROTOCOL_REPLY_NO_MEMORY 32

/* Stages, in FAILED and in the shared file */
#define PROTOCOL_STAGE_START 0
#define PROTOCOL_STAGE_LOAD 1
#define PROTOCOL_STAGE_ABI 2
#define PROTOCOL_STAGE_INIT 3
#define PROTOCOL_STAGE_SERVE 4
#define PROTOCOL_STAGE_STOP 5

/* The shared file. u64 begun: calls that have begun, which are those with ids 1 to begun. u64 taken: bytes received since OPENED,
 * by which the host sees that a long frame moves. u64 committed: bytes of REPLY frames and all before them that must reach the
 * host; those not sent yet are in the ring, byte n at n modulo its size. u32 stage. u32 halt: written by the host, not 0: take
 * no more calls. u32 cancelled[]: written by the host, for the id n at n modulo its size, n divided by its size plus 1: that
 * call must not begin. */
#define PROTOCOL_SHARED_BEGUN 0
#define PROTOCOL_SHARED_TAKEN 8
#define PROTOCOL_SHARED_COMMITTED 64
#define PROTOCOL_SHARED_STAGE 128
#define PROTOCOL_SHARED_HALT 192
#define PROTOCOL_SHARED_CANCELLED 4096
#define PROTOCOL_SHARED_RING 20480
#define PROTOCOL_SHARED_SIZE 151552
#define PROTOCOL_RING_SIZE 131072
/* More than calls can be open. */
#define PROTOCOL_MOST_CANCELLED 4096

#endif
