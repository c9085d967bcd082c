import JobModel

extension String {
    /// On one line and without what moves the cursor or turns the row round: what came from elsewhere must not break it.
    var printable: String {
        String(map { $0.isNewline || $0.unicodeScalars.contains { $0.isControl } ? "?" : $0 })
    }

    /// As wide as that at least.
    func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}

extension Unicode.Scalar {
    /// Control characters, and those that change the direction of what follows.
    fileprivate var isControl: Bool {
        switch value {
        case 0x202A...0x202E, 0x2066...0x2069: true
        default: properties.generalCategory == .control
        }
    }
}

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
