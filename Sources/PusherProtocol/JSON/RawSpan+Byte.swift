extension RawSpan {
    /// One byte. The load checks its bounds; what is "unsafe" about it is to load types that not all bytes form.
    func byte(at offset: Int) -> UInt8 { unsafeLoad(fromByteOffset: offset, as: UInt8.self) }
}
