/*
 * floor: what a WebSocket server costs when it does nothing but the system calls.
 *
 *     cc -O3 -march=native -o floor floor.c
 *     ./floor PORT            (0 picks a port; prints "listening on ws://127.0.0.1:PORT pid PID")
 *
 * It is the yardstick that scripts/bench holds the project's server against, and no server: it believes what clients
 * send. It has no limits, timeouts, pings, closing handshake, fragments or UTF-8 checks; an opening request must come
 * whole, and a frame has room in 1 MiB. Only what a benchmark can see is done right: the accept key, frame headers in
 * the shortest form, payloads unmasked, order kept, nothing lost when a socket is full.
 *
 * What a connection does is settled by the end of its path: /sub gets what is published, /pub publishes what it sends,
 * all others get back what they send; a path that begins with /member/ gets both.
 *
 * How it stays at the floor:
 *   - one thread, one level-triggered epoll, one recv per ready connection and turn, into one buffer for all;
 *   - a frame is unmasked while it is moved to the left, over the four bytes of its key, so that all frames of a read
 *     become the bytes to send, in the same buffer, and leave with one send per connection that gets them;
 *   - an idle connection is 24 bytes in a table. Only the beginning of a frame, or what a full socket did not take, is
 *     copied to memory of its own.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER_BYTES = 1 << 20, EVENTS = 1024 };
enum { HANDSHAKE = 0, ECHOES = 1, PUBLISHES = 2, SUBSCRIBES = 4, BLOCKED = 8 };

/* Bytes that wait, on the heap. */
struct waiting {
    size_t count;
    uint8_t bytes[];
};

struct peer {
    struct waiting *input;  /* the beginning of a frame */
    struct waiting *output; /* what the socket did not take */
    uint32_t role;          /* bits from above; HANDSHAKE before the 101 */
    int32_t place;          /* in the list of subscribers */
};

static struct peer *peers; /* by descriptor */
static int32_t *subscribers, subscriber_count;
static int poller;
static uint8_t *buffer;

static void stop(const char *what) {
    perror(what);
    exit(1);
}

/* `old` with `count` more bytes behind it. */
static struct waiting *extended(struct waiting *old, const uint8_t *bytes, size_t count) {
    size_t before = old ? old->count : 0;
    struct waiting *new = realloc(old, sizeof *new + before + count);
    if (!new) stop("memory");
    memcpy(new->bytes + before, bytes, count);
    new->count = before + count;
    return new;
}

/* ---- Sec-WebSocket-Accept: SHA-1 (RFC 3174) of at most 119 bytes, in base64 (RFC 4648) ---- */

static uint32_t turned(uint32_t word, int bits) { return (word << bits) | (word >> (32 - bits)); }

static void sha1(const char *text, uint8_t digest[20]) {
    static const uint32_t constants[4] = {0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xCA62C1D6};
    uint32_t hash[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    uint8_t padded[128] = {0};
    size_t count = strlen(text), whole = count < 56 ? 64 : 128;
    memcpy(padded, text, count);
    padded[count] = 0x80;
    padded[whole - 2] = (uint8_t)(count >> 5);
    padded[whole - 1] = (uint8_t)(count << 3);
    for (uint8_t *block = padded; block < padded + whole; block += 64) {
        uint32_t words[80], now[5];
        for (int t = 0; t < 16; t++) {
            const uint8_t *word = block + 4 * t;
            words[t] = (uint32_t)word[0] << 24 | (uint32_t)word[1] << 16 | (uint32_t)word[2] << 8 | word[3];
        }
        for (int t = 16; t < 80; t++)
            words[t] = turned(words[t - 3] ^ words[t - 8] ^ words[t - 14] ^ words[t - 16], 1);
        memcpy(now, hash, sizeof now);
        for (int t = 0; t < 80; t++) {
            uint32_t b = now[1], c = now[2], d = now[3], mixed;
            if (t < 20) mixed = d ^ (b & (c ^ d));
            else if (t >= 40 && t < 60) mixed = (b & c) | (d & (b | c));
            else mixed = b ^ c ^ d;
            uint32_t next = turned(now[0], 5) + mixed + now[4] + words[t] + constants[t / 20];
            memmove(now + 1, now, 4 * sizeof *now);
            now[0] = next;
            now[2] = turned(now[2], 30);
        }
        for (int i = 0; i < 5; i++) hash[i] += now[i];
    }
    for (int i = 0; i < 20; i++) digest[i] = (uint8_t)(hash[i / 4] >> (24 - i % 4 * 8));
}

static void base64(const uint8_t digest[20], char text[29]) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (int i = 0; i < 27; i++) { /* six bits each, the last ones with two bits of nothing */
        int bit = i * 6, byte = bit / 8;
        unsigned pair = (unsigned)digest[byte] << 8 | (byte < 19 ? digest[byte + 1] : 0);
        text[i] = letters[pair >> (10 - bit % 8) & 63];
    }
    strcpy(text + 27, "=");
}

/* ---- sockets ---- */

static void watch(int fd, int operation, uint32_t events) {
    struct epoll_event event = {.events = events, .data.fd = fd};
    if (epoll_ctl(poller, operation, fd, &event)) stop("epoll_ctl");
}

static void forget(int fd) {
    struct peer *peer = &peers[fd];
    if (peer->role & SUBSCRIBES) {
        int32_t last = subscribers[--subscriber_count];
        subscribers[peer->place] = last;
        peers[last].place = peer->place;
    }
    free(peer->input);
    free(peer->output);
    memset(peer, 0, sizeof *peer);
    close(fd);
}

static void send_or_keep(int fd, const uint8_t *bytes, size_t count) {
    struct peer *peer = &peers[fd];
    size_t sent = 0;
    if (!(peer->role & BLOCKED)) {
        ssize_t result = send(fd, bytes, count, MSG_NOSIGNAL);
        if (result == (ssize_t)count) return;
        if (result < 0 && errno != EAGAIN) return; /* epoll will tell that it has ended */
        if (result > 0) sent = (size_t)result;
        peer->role |= BLOCKED;
        watch(fd, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
    }
    peer->output = extended(peer->output, bytes + sent, count - sent);
}

static void send_kept(int fd) {
    struct peer *peer = &peers[fd];
    struct waiting *output = peer->output;
    ssize_t result = send(fd, output->bytes, output->count, MSG_NOSIGNAL);
    if (result <= 0) return;
    output->count -= (size_t)result;
    if (output->count) {
        memmove(output->bytes, output->bytes + result, output->count);
        return;
    }
    free(output);
    peer->output = NULL;
    peer->role &= ~(uint32_t)BLOCKED;
    watch(fd, EPOLL_CTL_MOD, EPOLLIN);
}

static void take_in(int listener) {
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        int yes = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        watch(fd, EPOLL_CTL_ADD, EPOLLIN);
    }
}

/* ---- WebSocket ---- */

static int ends_with(const char *path, size_t count, const char *end) {
    size_t length = strlen(end);
    return count >= length && !memcmp(path + count - length, end, length);
}

/* Answers the opening request (RFC 6455 section 4.2.2). */
static void open_up(int fd, size_t count) {
    char *request = (char *)buffer;
    request[count] = 0;
    char *field = strcasestr(request, "\r\nsec-websocket-key:"), *path = strchr(request, '/');
    if (!field || !path) {
        static const char refusal[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        send_or_keep(fd, (const uint8_t *)refusal, sizeof refusal - 1);
        shutdown(fd, SHUT_WR);
        return;
    }
    char key[128], accept[29], answer[256];
    uint8_t digest[20];
    field += 20;
    snprintf(key, sizeof key, "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", field + strspn(field, " "));
    sha1(key, digest);
    base64(digest, accept);
    int length = snprintf(answer, sizeof answer,
                          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Accept: %s\r\n\r\n", accept);
    size_t path_count = strcspn(path, " ?");
    struct peer *peer = &peers[fd];
    if (ends_with(path, path_count, "/sub")) peer->role = SUBSCRIBES;
    else if (ends_with(path, path_count, "/pub")) peer->role = PUBLISHES;
    else peer->role = ECHOES | (strncmp(path, "/member/", 8) ? 0 : SUBSCRIBES);
    if (peer->role & SUBSCRIBES) {
        peer->place = subscriber_count;
        subscribers[subscriber_count++] = fd;
    }
    send_or_keep(fd, (const uint8_t *)answer, (size_t)length);
}

/* Unmasks while it moves the bytes to the left: what is read is never what has been written (RFC 6455 section 5.3). */
static void unmask(uint8_t *to, const uint8_t *from, size_t count, const uint8_t key[4]) {
    typedef uint64_t vector __attribute__((vector_size(32)));
    uint32_t word;
    memcpy(&word, key, 4);
    uint64_t pair = (uint64_t)word << 32 | word;
    size_t done = 0;
    for (vector mask = {pair, pair, pair, pair}, bytes; done + sizeof bytes <= count; done += sizeof bytes) {
        memcpy(&bytes, from + done, sizeof bytes);
        bytes ^= mask;
        memcpy(to + done, &bytes, sizeof bytes);
    }
    for (uint64_t bytes; done + sizeof bytes <= count; done += sizeof bytes) {
        memcpy(&bytes, from + done, sizeof bytes);
        bytes ^= pair;
        memcpy(to + done, &bytes, sizeof bytes);
    }
    for (; done < count; done++) to[done] = from[done] ^ (uint8_t)(word >> (done % 4 * 8));
}

/* Turns the whole frames at the front of the buffer into a server's; says how many bytes that took. */
static size_t translate(size_t count, size_t *made) {
    size_t from = 0, to = 0;
    while (count - from >= 6) {
        uint8_t *frame = buffer + from;
        uint64_t payload = frame[1] & 127;
        size_t header = 2;
        if (payload == 126) {
            header = 4;
            payload = (uint64_t)frame[2] << 8 | frame[3];
        } else if (payload == 127) {
            if (count - from < 14) break;
            header = 10;
            memcpy(&payload, frame + 2, 8);
            payload = __builtin_bswap64(payload);
        }
        if (count - from < header + 4 || count - from - header - 4 < payload) break;
        from += header + 4 + payload;
        if (frame[0] & 8) continue; /* a control frame: the peer will end it by itself */
        uint8_t key[4];
        memcpy(key, frame + header, 4);
        memmove(buffer + to, frame, header);
        buffer[to + 1] &= 127;
        unmask(buffer + to + header, frame + header + 4, payload, key);
        to += header + payload;
    }
    *made = to;
    return from;
}

static void read_from(int fd) {
    struct peer *peer = &peers[fd];
    size_t count = 0, made;
    if (peer->input) {
        count = peer->input->count;
        memcpy(buffer, peer->input->bytes, count);
        free(peer->input);
        peer->input = NULL;
    }
    ssize_t result = recv(fd, buffer + count, BUFFER_BYTES - count, 0);
    if (result == 0 || (result < 0 && errno != EAGAIN)) {
        forget(fd);
        return;
    }
    if (result > 0) count += (size_t)result;
    if (peer->role == HANDSHAKE) {
        open_up(fd, count);
        return;
    }
    size_t taken = translate(count, &made);
    if (taken < count) peer->input = extended(NULL, buffer + taken, count - taken);
    if (!made) return;
    if (peer->role & ECHOES) send_or_keep(fd, buffer, made);
    if (!(peer->role & PUBLISHES)) return;
    for (int32_t i = 0; i < subscriber_count; i++) send_or_keep(subscribers[i], buffer, made);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: floor PORT\n");
        return 2;
    }
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    peers = calloc(limit.rlim_max, sizeof *peers);
    subscribers = calloc(limit.rlim_max, sizeof *subscribers);
    buffer = malloc(BUFFER_BYTES + 1);
    if (!peers || !subscribers || !buffer) stop("memory");

    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&address, length) || listen(listener, 4096)) stop("listen");
    getsockname(listener, (struct sockaddr *)&address, &length);
    printf("listening on ws://127.0.0.1:%d pid %d\n", ntohs(address.sin_port), (int)getpid());
    fflush(stdout);

    poller = epoll_create1(0);
    watch(listener, EPOLL_CTL_ADD, EPOLLIN);
    for (;;) {
        static struct epoll_event events[EVENTS];
        int count = epoll_wait(poller, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                take_in(fd);
                continue;
            }
            if (events[i].events & EPOLLOUT && peers[fd].output) send_kept(fd);
            if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read_from(fd);
        }
    }
}
