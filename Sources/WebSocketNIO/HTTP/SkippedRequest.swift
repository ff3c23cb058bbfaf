/// A request that was answered before its body was there: the next one comes when the answer has left and the body is behind.
struct SkippedRequest {
    var answerHasLeft = false
    var bodyHasArrived = false

    var isOver: Bool { answerHasLeft && bodyHasArrived }
}
