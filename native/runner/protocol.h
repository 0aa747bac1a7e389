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
#define PROTOCOL_VERSION 4

/* Descriptors that the runner is started with. */
#define PROTOCOL_CALLS_FD 3
#define PROTOCOL_REPLIES_FD 4
#define PROTOCOL_SHARED_FD 5
#define PROTOCOL_CONTROL_FD 6
/* The area, where there is one; else anything but a file of its size. */
#define PROTOCOL_AREA_FD 7

/* The exit status of a runner that the system gives too little to begin with; 75 is EX_TEMPFAIL of sysexits.h. */
#define PROTOCOL_LACKS_STATUS 75

#define PROTOCOL_HELLO 1
#define PROTOCOL_OPEN 2
#define PROTOCOL_OPENED 3
#define PROTOCOL_FAILED 4
#define PROTOCOL_CALL 5
#define PROTOCOL_REPLY 6
#define PROTOCOL_STOP 7
#define PROTOCOL_STOPPED 8
#define PROTOCOL_PART 9
#define PROTOCOL_DECLARED 10
#define PROTOCOL_HEAD 11
#define PROTOCOL_CHUNK 12
#define PROTOCOL_WANT 13
#define PROTOCOL_ASK 14
#define PROTOCOL_LOG 15
#define PROTOCOL_KEPT 16
#define PROTOCOL_ANSWER 17
#define PROTOCOL_CREDIT 18
#define PROTOCOL_BODY 19

#define PROTOCOL_FRAME_HEADER 8
/* HELLO: number = version; u32 magic, u32 unused, f64 sender's monotonic clock */
#define PROTOCOL_HELLO_SIZE 24
/* OPEN: u32 concurrency (0: the library's), u32 what "any number" means, f64 memory in bytes (0: no limit), f64 how long a call
 * may be in its handler, u32 the largest reply, u32 the most bytes of its headers, u32 symbols; then path, config and each symbol, each with its NUL */
#define PROTOCOL_OPEN_HEADER 44
/* OPENED: u32 threads at most, u32 unused; then, where not all handlers take a body as text, how each takes it: a byte for each symbol */
#define PROTOCOL_OPENED_SIZE 16
/* DECLARED: the next bytes of what the library says of itself: its name, the JSON of PluginRoutes and that of its factory's routes,
 * each with its NUL. The frames of one library are at most MOST_DECLARED bytes of it each, and MAX_DECLARED together. */
#define PROTOCOL_MOST_DECLARED 65536
#define PROTOCOL_MAX_DECLARED 2162688
/* STOPPED: then words, where the plugin says that its end was not as it should be; no more than MOST_WORDS bytes */
/* FAILED: number = stage; i32 detail, u32 unused; then words, of which no more than MOST_WORDS bytes are told */
#define PROTOCOL_FAILED_HEADER 16
#define PROTOCOL_MOST_WORDS 16384
/* CALL: number = symbol; u64 id, f64 until when it must begin, f64 its client's deadline (infinite: none), both monotonic, u32 bytes
 * of the head; then head, body */
#define PROTOCOL_CALL_HEADER 36
/* REPLY: number = outcome; u64 id, i32 status, u32 microseconds in the handler, u32 bytes of the headers; then headers, body */
#define PROTOCOL_REPLY_HEADER 28
/* PART: u64 id, u32 bytes of the whole body; then the next bytes of it */
#define PROTOCOL_PART_HEADER 20

/* What a handler says through the functions of the host, and what it is told: u64 id of its call, then
 * HEAD: i32 status, u32 unused, headers. CHUNK: the next bytes of the reply. WANT: u64 bytes of the body that it has read. ASK: number =
 * which ask; the next bytes of service and parameters, each with its NUL. LOG: number = level; u32 lines that were lost before, u32 unused,
 * text. KEPT: nothing.
 * ANSWER: number = as in ASK; JSON. CREDIT: u64 bytes of the reply that the client has taken. BODY: the next bytes of it. */
#define PROTOCOL_CALL_WORDS 16
#define PROTOCOL_HEAD_HEADER 24
#define PROTOCOL_WANT_SIZE 24
#define PROTOCOL_LOG_HEADER 24
#define PROTOCOL_CREDIT_SIZE 24
/* Of a reply in one CHUNK, of what is asked in one ASK, of a text in one LOG */
#define PROTOCOL_MOST_CHUNK 32768
/* Of what is asked, in all, and of the bytes in one BODY */
#define PROTOCOL_MOST_ASKED 16777216
#define PROTOCOL_MOST_BODY 65536
/* So many bytes of a reply may have been sent, or of a body, that nobody has taken yet; and one CHUNK or BODY more. */
#define PROTOCOL_WINDOW 262144

/* Of a CALL. What the runner sends is never larger than the ring. */
#define PROTOCOL_MAX_FRAME 0x40000000
/* Of a body in one PART */
#define PROTOCOL_MAX_PART 131072

/* Flags of CALL */
#define PROTOCOL_CALL_HAS_BODY 1
/* The head is the whole text, whether or not there is a body. */
#define PROTOCOL_CALL_COMPLETE 2
/* The body is in the area; in its place are two f64: where from its beginning, and how many bytes. */
#define PROTOCOL_CALL_IN_AREA 64

/* Flags of REPLY */
#define PROTOCOL_REPLY_HAS_BODY 1
#define PROTOCOL_REPLY_ASCII 2
#define PROTOCOL_REPLY_HAS_HEADERS 4
/* The body came before, in PARTs; in its place is an f64: how many bytes it has. */
#define PROTOCOL_REPLY_IN_PARTS 8
/* The reply came before, in HEAD and CHUNKs, and ends with this; whole, or broken off. */
#define PROTOCOL_REPLY_STREAMED 16
#define PROTOCOL_REPLY_BROKEN 32

/* Flags of ASK, ANSWER, CREDIT and BODY */
#define PROTOCOL_ASK_MORE 1
#define PROTOCOL_ANSWER_OK 1
/* Nobody takes any more of it; the call's time is over. */
#define PROTOCOL_CREDIT_GONE 1
#define PROTOCOL_CREDIT_OVER 2
/* There is no more of it; the client has gone. */
#define PROTOCOL_BODY_LAST 1
#define PROTOCOL_BODY_BROKEN 2
/* The body is in the area; in its place are two f64: where from its beginning, and how many bytes. */
#define PROTOCOL_REPLY_IN_AREA 64

/* Outcomes of a call, in REPLY: a reply of the handler, or why there is none */
#define PROTOCOL_OUTCOME_REPLY 0
/* The time to begin had passed, or it was cancelled, before the call began; it never will. */
#define PROTOCOL_OUTCOME_SKIPPED 1
/* There was no memory to hold the request; the handler was not called. */
#define PROTOCOL_OUTCOME_NO_MEMORY 2
/* It gave more than it may, or more headers. The body is not the handler's but an f64: how many bytes it gave of them. */
#define PROTOCOL_OUTCOME_TOO_LARGE 3
#define PROTOCOL_OUTCOME_HEADERS_TOO_LARGE 4

/* Stages, in FAILED and in the shared file */
#define PROTOCOL_STAGE_START 0
#define PROTOCOL_STAGE_LOAD 1
#define PROTOCOL_STAGE_ABI 2
#define PROTOCOL_STAGE_INIT 3
#define PROTOCOL_STAGE_SERVE 4
#define PROTOCOL_STAGE_STOP 5

/* The shared file. u64 begun: calls that have begun, which are those with ids 1 to begun. u64 taken: bytes received since OPENED,
 * by which the host sees that a long frame moves. u64 committed: bytes of frames, all but PARTs, that must reach the host; those
 * not sent yet are in the ring, byte n at n modulo its size, and each frame stays there until it was sent whole. u32 stage.
 * u32 threads: how many the system gives at most, where it has refused one; else 0.
 * u32 halt: written by the host, not 0: take no more calls. u64 asked: written by the host before it sends HANG_SIGNAL, the id of a call
 * that hangs, or 0: its thread says where it is, as one that crashes does. u32 cancelled[]: written by the host, for the id n at n modulo its
 * size, n divided by its size plus 1: that call must not begin. running[], of each thread: u64 id of the call that it executes, or
 * 0; f64 since when.
 *
 * What a process says of its crash: u32 kind (0: nothing), u32 signal, u32 symbol, u32 frames, u64 the call that the thread executed
 * (0: none), u64 the address that it could not reach; then the frames, u64 each, the innermost first. The files in its memory: u32 how
 * many, u32 unused; then of each u64 bias, u64 start, u64 end, 40 bytes of its name. The library is the first. */
#define PROTOCOL_SHARED_BEGUN 0
#define PROTOCOL_SHARED_TAKEN 8
#define PROTOCOL_SHARED_COMMITTED 64
#define PROTOCOL_SHARED_STAGE 128
#define PROTOCOL_SHARED_THREADS 132
#define PROTOCOL_SHARED_HALT 192
#define PROTOCOL_SHARED_ASKED 200
#define PROTOCOL_SHARED_CRASH 256
#define PROTOCOL_SHARED_MODULES 1024
#define PROTOCOL_SHARED_CANCELLED 4096
#define PROTOCOL_SHARED_RUNNING 20480
#define PROTOCOL_SHARED_RING 36864
#define PROTOCOL_SHARED_SIZE 167936
#define PROTOCOL_RUNNING_SIZE 16
#define PROTOCOL_RING_SIZE 131072
#define PROTOCOL_MOST_FRAMES 40
#define PROTOCOL_MOST_MODULES 46
/* Kinds of crashes: by a signal that the process has caused itself, by one that was sent from elsewhere, by exit in a handler; and what is
 * none, but where a call hangs that was asked for */
#define PROTOCOL_CRASH_SIGNAL 1
#define PROTOCOL_CRASH_SENT 2
#define PROTOCOL_CRASH_EXIT 3
#define PROTOCOL_CRASH_HANG 4
/* A real-time signal that hardly anybody else uses. */
#define PROTOCOL_HANG_SIGNAL 61
/* The area, a file that both map: large bodies are read where they lie. u8 for each block of the replies: 0 free; 1 taken by the runner, which
 * the host makes 0 again; 2 while the host gives its memory back. Then the blocks of the replies; then those of the requests, of which the
 * host keeps account alone. */
#define PROTOCOL_AREA_BLOCK 65536
#define PROTOCOL_AREA_REPLY_BLOCKS 4096
#define PROTOCOL_AREA_REPLIES 65536
#define PROTOCOL_AREA_REQUESTS 268500992
#define PROTOCOL_AREA_SIZE 402718720
/* What stands in place of a body there. */
#define PROTOCOL_PLACE_SIZE 16
/* Bodies of more bytes than this go through it. */
#define PROTOCOL_AREA_LEAST 32768
/* More than calls can be open: twice as many as threads can be, or a thousand. */
#define PROTOCOL_MOST_CANCELLED 4096
/* Inside a library */
#define PROTOCOL_MOST_THREADS 1024

#endif
