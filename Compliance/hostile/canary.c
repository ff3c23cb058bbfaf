/*
 * The canary of the attacks at full size: `canary PORT PID`, built with `cc -O2 -o canary canary.c`.
 *
 * A few connections, so that every loop of the server has some, talk in one room in turns, 40 times a second whether or
 * not the last push has come. A push counts from the moment it was due until all of them have it: a server that stands
 * still for eight seconds is late 320 times. Beside each runs an exchange of the same kind with a bystander, a process
 * that does nothing else. How late the bystander was, and how long a thread of the server could run but had no
 * processor, is the machine's fault and not the server's.
 *
 * Prints a line for each push: when it was due (monotonic seconds), milliseconds that it took, milliseconds of these
 * that are the machine's. Ends when its standard input does; with a message when a connection ends or a push takes
 * more than a minute.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 16, RING = 4096, THREADS = 64, PERIOD_NS = 25 * 1000 * 1000, PATIENCE_S = 60, BUFFER = 64 * 1024 };

struct sample {
    uint64_t due, echo, bystander; /* nanoseconds */
    int server_left, bystander_left;
    bool open;
    uint64_t waits[THREADS];
};

static int count, port, server_pid;
static int canaries[MOST], bystanders[MOST];
static uint8_t buffers[MOST][BUFFER];
static size_t filled[MOST];
static struct sample ring[RING];
static pid_t threads[THREADS];
static int thread_count;

static void die(const char *format, ...) {
    va_list list;
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
    exit(1);
}

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* --- What is the machine's fault --- */

static uint64_t wait_of(pid_t thread) {
    char path[64];
    unsigned long long ran = 0, waited = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/schedstat", server_pid, thread);
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    if (fscanf(file, "%llu %llu", &ran, &waited) != 2) waited = 0;
    fclose(file);
    return waited;
}

static void list_threads(void) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", server_pid);
    DIR *folder = opendir(path);
    if (!folder) die("no process %d", server_pid);
    thread_count = 0;
    for (struct dirent *entry; (entry = readdir(folder)) && thread_count < THREADS;)
        if (entry->d_name[0] != '.') threads[thread_count++] = atoi(entry->d_name);
    closedir(folder);
}

/* --- Connections --- */

static int connect_to(int to) {
    int one = 1, found = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)to)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (found < 0 || connect(found, (struct sockaddr *)&address, sizeof address)) die("connect: %s", strerror(errno));
    setsockopt(found, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return found;
}

/* Small writes on connections that are read: they never block, and half of one is an error. */
static void put(int to, const void *bytes, size_t size) {
    if (send(to, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)size) die("send: %s", strerror(errno));
}

static void put_frame(int to, uint8_t opcode, const char *text, size_t size) {
    static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    uint8_t frame[6 + 125] = {(uint8_t)(0x80 | opcode), (uint8_t)(0x80 | size)};
    if (size > 125) die("a frame of %zu bytes", size);
    memcpy(frame + 2, mask, 4);
    for (size_t index = 0; index < size; index++) frame[6 + index] = (uint8_t)text[index] ^ mask[index & 3];
    put(to, frame, 6 + size);
}

static void join(int index) {
    char text[1024];
    size_t size = 0;
    int to = canaries[index] = connect_to(port);
    int length = snprintf(
        text, sizeof text,
        "GET /?room=canary HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        port);
    put(to, text, (size_t)length);
    for (; size < 4 || memcmp(text + size - 4, "\r\n\r\n", 4); size++)
        if (size == sizeof text || recv(to, text + size, 1, 0) != 1) die("no answer to the handshake");
    if (memcmp(text, "HTTP/1.1 101", 12)) die("refused: %.12s", text);
    length = snprintf(text, sizeof text, "type=add&ming=canary%d", index);
    put_frame(to, 1, text, (size_t)length);
}

/* The bystander: what comes from one of its connections goes to all, as the server does it. */
static void stand_by(int listener) {
    struct pollfd all[MOST + 1] = {{.fd = STDIN_FILENO, .events = 0}};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int index = 0; index < count; index++) {
        int one = 1;
        all[index] = (struct pollfd){.fd = accept(listener, NULL, NULL), .events = POLLIN};
        setsockopt(all[index].fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }
    for (;;) {
        uint64_t words[64];
        poll(all, (nfds_t)count, -1);
        for (int index = 0; index < count; index++) {
            if (!all[index].revents) continue;
            ssize_t got = recv(all[index].fd, words, sizeof words, MSG_DONTWAIT);
            if (got <= 0) _exit(0);
            for (int other = 0; other < count; other++) put(all[other].fd, words, (size_t)got);
        }
    }
}

static void start_bystander(void) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, MOST)) die("listen: %s", strerror(errno));
    getsockname(listener, (struct sockaddr *)&address, &size);
    pid_t child = fork();
    if (child < 0) die("fork: %s", strerror(errno));
    if (!child) stand_by(listener);
    for (int index = 0; index < count; index++) bystanders[index] = connect_to(ntohs(address.sin_port));
    close(listener);
}

/* --- Samples --- */

static void finish(struct sample *sample) {
    uint64_t longest = 0;
    if (sample->server_left || sample->bystander_left) return;
    for (int index = 0; index < thread_count; index++) {
        uint64_t waited = wait_of(threads[index]);
        if (waited > sample->waits[index] && waited - sample->waits[index] > longest)
            longest = waited - sample->waits[index];
    }
    sample->open = false;
    printf("%.6f %.3f %.3f\n", sample->due / 1e9, sample->echo / 1e6, (sample->bystander + longest) / 1e6);
    fflush(stdout);
}

static void arrived(uint64_t turn, bool is_server) {
    struct sample *sample = &ring[turn % RING];
    int *left = is_server ? &sample->server_left : &sample->bystander_left;
    if (!sample->open || !*left) return;
    if (--*left) return;
    *(is_server ? &sample->echo : &sample->bystander) = now() - sample->due;
    finish(sample);
}

static void begin(uint64_t turn, uint64_t due) {
    struct sample *sample = &ring[turn % RING];
    int who = (int)(turn % (uint64_t)count);
    char text[64];
    *sample = (struct sample){.due = due, .server_left = count, .bystander_left = count, .open = true};
    for (int index = 0; index < thread_count; index++) sample->waits[index] = wait_of(threads[index]);
    put(bystanders[who], &turn, sizeof turn);
    int length = snprintf(text, sizeof text, "nr=tweet%llu.&key=all", (unsigned long long)turn);
    put_frame(canaries[who], 1, text, (size_t)length);
}

/* --- Reading --- */

static void take_frames(int index) {
    uint8_t *bytes = buffers[index];
    size_t at = 0;
    while (filled[index] - at >= 2) {
        size_t length = bytes[at + 1] & 0x7f, head = 2;
        if (length == 127) die("a frame of 64 KiB for the canary");
        if (length == 126) {
            if (filled[index] - at < 4) break;
            length = (size_t)bytes[at + 2] << 8 | bytes[at + 3];
            head = 4;
        }
        if (filled[index] - at < head + length) break;
        uint8_t opcode = bytes[at] & 0x0f;
        char *payload = (char *)bytes + at + head;
        if (opcode == 8) die("the server closes a canary's connection");
        if (opcode == 9) put_frame(canaries[index], 10, payload, length);
        char *said = opcode == 1 ? memmem(payload, length, "\"tweet", 6) : NULL;
        if (said) arrived(strtoull(said + 6, NULL, 10), true);
        at += head + length;
    }
    memmove(bytes, bytes + at, filled[index] - at);
    filled[index] -= at;
}

static void take(int index) {
    ssize_t got = recv(canaries[index], buffers[index] + filled[index], BUFFER - filled[index], MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) die("the server has ended a canary's connection");
    filled[index] += (size_t)got;
    take_frames(index);
}

static void take_bystander(int index) {
    uint64_t turns[64];
    ssize_t got = recv(bystanders[index], turns, sizeof turns, MSG_DONTWAIT);
    if (got <= 0) die("the bystander is gone");
    for (size_t each = 0; each < (size_t)got / sizeof *turns; each++) arrived(turns[each], false);
}

int main(int argc, char **argv) {
    if (argc != 3) die("usage: canary PORT PID");
    port = atoi(argv[1]);
    server_pid = atoi(argv[2]);
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    count = processors < 2 ? 4 : processors > MOST / 2 ? MOST : (int)processors * 2;
    list_threads();
    start_bystander();
    for (int index = 0; index < count; index++) join(index);
    struct pollfd all[2 * MOST + 1];
    for (int index = 0; index < count; index++) {
        all[index] = (struct pollfd){.fd = canaries[index], .events = POLLIN};
        all[count + index] = (struct pollfd){.fd = bystanders[index], .events = POLLIN};
    }
    all[2 * count] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    uint64_t start = now();
    for (uint64_t turn = 1, oldest = 1;;) {
        for (uint64_t due; (due = start + turn * PERIOD_NS) <= now(); turn++) begin(turn, due);
        for (; oldest < turn && !ring[oldest % RING].open; oldest++) {}
        if (oldest < turn && now() - ring[oldest % RING].due > PATIENCE_S * 1000000000ull)
            die("no push within %d s", PATIENCE_S);
        uint64_t next = start + turn * PERIOD_NS, time = now();
        struct timespec pause = {.tv_nsec = next > time ? (long)(next - time) : 0};
        if (ppoll(all, (nfds_t)(2 * count + 1), &pause, NULL) < 0) die("poll: %s", strerror(errno));
        if (all[2 * count].revents) return 0;
        for (int index = 0; index < count; index++) {
            if (all[index].revents) take(index);
            if (all[count + index].revents) take_bystander(index);
        }
    }
}
