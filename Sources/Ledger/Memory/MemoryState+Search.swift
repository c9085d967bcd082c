extension MemoryState {
    func replies(toJob id: Int64) -> [ReplyRecord] {
        replies.filter { $0.job == id }.map { ReplyRecord(number: $0.number, $0.reply, isOwed: !$0.isPublished) }
    }
}
