// What Linux has and Swift's Glibc module does not show.
#pragma once
#ifdef __linux__
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int pthread_setname_np(pthread_t thread, const char *name);

// sendto and recvfrom without the C library's wrappers: those are cancellation points, which in a process with threads
// costs as many instructions as everything else that a delivery needs. The sockets do not block, and nobody cancels the
// loops' threads. The result is the number of bytes, or the error's number, negative.
static inline long parley_socket_call(long number, int descriptor, void *bytes, size_t count, int flags) {
#if defined(__x86_64__)
    register long flags_register __asm__("r10") = flags;
    register long address_register __asm__("r8") = 0;
    register long length_register __asm__("r9") = 0;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"((long)descriptor), "S"(bytes), "d"(count), "r"(flags_register),
                       "r"(address_register), "r"(length_register)
                     : "rcx", "r11", "memory");
    return result;
#else
    long result = syscall(number, descriptor, bytes, count, flags, (void *)0, (void *)0);
    return result < 0 ? -errno : result;
#endif
}

static inline long parley_send(int descriptor, const void *bytes, size_t count) {
    return parley_socket_call(SYS_sendto, descriptor, (void *)bytes, count, MSG_NOSIGNAL);
}

// Sent bytes that the peer has not acknowledged; 0 if unknown.
static inline int parley_unacknowledged(int descriptor) {
    int count = 0;
    return ioctl(descriptor, TIOCOUTQ, &count) == 0 && count > 0 ? count : 0;
}

// Whether the socket takes more at this moment, without sending anything.
static inline int parley_takes_more(int descriptor) {
    struct pollfd asked = { .fd = descriptor, .events = POLLOUT };
    return poll(&asked, 1, 0) == 1 && (asked.revents & (POLLOUT | POLLERR | POLLHUP)) == POLLOUT;
}

static inline long parley_recv(int descriptor, void *bytes, size_t count) {
    return parley_socket_call(SYS_recvfrom, descriptor, bytes, count, 0);
}
#endif
