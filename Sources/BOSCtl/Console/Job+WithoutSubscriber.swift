import JobModel

extension Job {
    /// A text about the job as a person may see it. Whoever wrote it, BOS among them, may have put the subscriber's number into it.
    func withoutSubscriber(_ text: String) -> String {
        guard let (subscriber, spellings) = subscriberSpellings else { return text.printable }
        return text.replacing(spellings, with: masked(subscriber)).printable
    }

    func mentionsSubscriber(_ text: String) -> Bool {
        subscriberSpellings.map { text.contains($0.spellings) } ?? false
    }

    /// The subscriber's number as people write it: in capitals or not, with spaces, points or hyphens in between.
    private var subscriberSpellings: (subscriber: String, spellings: Regex<AnyRegexOutput>)? {
        // Shorter ones are no subscriber's number, and would be found in every date.
        guard case .recharge(let recharge) = self, recharge.subscriber.count >= 5 else { return nil }
        let characters = recharge.subscriber.map { $0.isLetter || $0.isNumber ? String($0) : "\\\($0)" }
        // A number that makes no pattern is still to be found as it stands.
        let asItStands = Regex<AnyRegexOutput>(Regex<Substring>(verbatim: recharge.subscriber))
        let spellings = (try? Regex(characters.joined(separator: "[ .-]*"))) ?? asItStands
        return (recharge.subscriber, spellings.ignoresCase())
    }
}
