import JobModel

extension Job {
    /// The text in printable form, with the subscriber's number masked. BOS and operators write such texts, and may put the number into them.
    func withoutSubscriber(_ text: String) -> String {
        guard let (subscriber, spellings) = subscriberSpellings else { return text.printable }
        return text.replacing(spellings, with: masked(subscriber)).printable
    }

    /// Whether the text contains the subscriber's number in any usual spelling.
    func mentionsSubscriber(_ text: String) -> Bool {
        subscriberSpellings.map { text.contains($0.spellings) } ?? false
    }

    /// A pattern for the usual spellings of the subscriber's number: any case, with spaces, points or hyphens between the characters.
    /// `nil` if the job names no subscriber.
    private var subscriberSpellings: (subscriber: String, spellings: Regex<AnyRegexOutput>)? {
        // Fewer than five characters are not a subscriber's number, and would match parts of dates.
        guard case .recharge(let recharge) = self, recharge.subscriber.count >= 5 else { return nil }
        let characters = recharge.subscriber.map { $0.isLetter || $0.isNumber ? String($0) : "\\\($0)" }
        // A number that cannot be made into a pattern is searched for verbatim.
        let asItStands = Regex<AnyRegexOutput>(Regex<Substring>(verbatim: recharge.subscriber))
        let spellings = (try? Regex(characters.joined(separator: "[ .-]*"))) ?? asItStands
        return (recharge.subscriber, spellings.ignoresCase())
    }
}
