/// An argument that makes no sense.
struct InvalidArgument: Error {
    let words: String
}
