import ParleyServer

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Standard output, unbuffered: what a person waits for is there at once, also through a pipe.
enum StandardOutput {
    static func print(_ text: String) { _ = Streams.write(text + "\n", to: STDOUT_FILENO) }

    /// Prints what a command was called for.
    ///
    /// - Parameter loss: what the caller is told when it cannot be written.
    /// - Throws: `ConfigurationError` then.
    static func show(_ text: String, orElse loss: String) throws {
        guard let code = Streams.write(text + "\n", to: STDOUT_FILENO) else { return }
        let cause = String(cString: strerror(code))
        throw ConfigurationError(lines: ["standard output cannot be written (\(cause)): \(loss)"])
    }
}

/// Standard error.
enum StandardError {
    static func print(_ text: String) { _ = Streams.write(text + "\n", to: STDERR_FILENO) }
}

/// Standard input, output and error.
enum Streams {
    /// Opens `/dev/null` in place of each one that is closed: what is opened next would get its number, and what is
    /// printed would go there. To be called before anything else opens a descriptor.
    static func openClosed() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            // The lowest number that is free: this one.
            _ = open("/dev/null", O_RDWR)
        }
    }

    /// Writes all of it, and waits for the reader as long as that takes.
    ///
    /// - Returns: the error that the rest is lost for; `nil` when all is written.
    static func write(_ text: String, to descriptor: Int32) -> Int32? {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { unistdWrite(descriptor, $0) }
            if count > 0 {
                rest = rest.dropFirst(count)
                continue
            }
            switch errno {
            case _ where count == 0: return EIO
            case EINTR: continue
            case EAGAIN:
                // Another program that has the pipe, too, has made it non-blocking.
                var writable = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&writable, 1, -1)
            default: return errno
            }
        }
        return nil
    }

    private static func unistdWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        #if canImport(Darwin)
        Darwin.write(descriptor, bytes.baseAddress, bytes.count)
        #elseif canImport(Musl)
        Musl.write(descriptor, bytes.baseAddress, bytes.count)
        #else
        Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        #endif
    }
}
