/// Phrases that are searched for in answers, without letter case. They are prepared once, because each answer is compared with about thirty.
struct Phrases: Sendable {
    fileprivate let phrases: [[UInt8]]

    init(_ texts: [String]) { phrases = texts.map(\.lowercaseBytes) }

    private init(_ phrases: [[UInt8]]) { self.phrases = phrases }

    static func + (one: Phrases, other: Phrases) -> Phrases { Phrases(one.phrases + other.phrases) }
}

/// A text of an answer, prepared for the search for ``Phrases``.
struct Wording {
    private let text: [UInt8]

    init(_ text: String) { self.text = text.lowercaseBytes }

    /// Whether it contains one of these phrases.
    func contains(anyOf phrases: Phrases) -> Bool { has(anyOf: phrases, atWordStart: false) }

    /// Whether it contains one of these phrases at the start of a word: "TXN_PENDING" contains "pending" so, and "depending" does not.
    func says(anyOf phrases: Phrases) -> Bool { has(anyOf: phrases, atWordStart: true) }

    private func has(anyOf phrases: Phrases, atWordStart: Bool) -> Bool {
        guard !text.isEmpty else { return false }
        return text.withUnsafeBufferPointer { text in
            func mayBegin(_ place: Int) -> Bool {
                !atWordStart || place == 0 || !(UInt8(ascii: "a")...UInt8(ascii: "z")).contains(text[place - 1])
            }
            return phrases.phrases.contains { phrase in
                guard let first = phrase.first, phrase.count <= text.count else { return false }
                return (0...(text.count - phrase.count)).contains { place in
                    text[place] == first && mayBegin(place) && text[place...].starts(with: phrase)
                }
            }
        }
    }
}

/// The phrases of one configuration.
struct ConfiguredPhrases: Sendable {
    let pending, failing, postponed, failed, notFound: Phrases
    /// Phrases that say that BOS accepted a call. "accepted" alone is not among them, because a token may be "not accepted".
    let taken: Phrases
    /// Phrases about a recharge or an application. An answer about credentials has none of them.
    let business: Phrases
    let panPending, panCompleted, panRejected: Phrases

    static let duplicateRefID = Phrases(["duplicate refid"])
    /// BOS has no code for a duplicate application. Only the message distinguishes it from other errors. Source: bos-api.md#status.
    static let duplicate = Phrases(["duplicate"])
    static let token = Phrases(["token", "unauthori"])
    static let success = Phrases(["success"])
    static let undone = Phrases(["refund", "revers"])

    init(_ configuration: BOSConfiguration) {
        let (codes, enquiry, pan) = (configuration.codes, configuration.enquiry, configuration.pan)
        pending = Phrases(codes.pendingPatterns)
        failing = Phrases(codes.failingPatterns)
        postponed = Phrases(codes.postponedPatterns)
        failed = Phrases(enquiry.failedPatterns)
        notFound = Phrases(enquiry.notFoundPatterns)
        panPending = Phrases(pan.pendingPatterns)
        panCompleted = Phrases(pan.completedPatterns)
        panRejected = Phrases(pan.rejectedPatterns)
        taken = pending + Phrases(["success", "request accepted", "recharge accepted", "has been accepted"])
        business = notFound + failed + panCompleted + panRejected + panPending + Phrases(["duplicate"])
    }
}

extension String {
    /// The bytes in lower case. To compare bytes costs a fraction of comparing characters.
    fileprivate var lowercaseBytes: [UInt8] {
        guard utf8.allSatisfy({ $0 < 0x80 }) else { return Array(lowercased().utf8) }
        return utf8.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
    }
}
