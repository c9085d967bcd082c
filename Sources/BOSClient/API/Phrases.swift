/// Texts that answers are compared with, without regard to case. They are prepared once: every answer is held against some thirty of them.
struct Phrases: Sendable {
    fileprivate let phrases: [[UInt8]]

    init(_ texts: [String]) { phrases = texts.map(\.inSmallLetters) }

    private init(_ phrases: [[UInt8]]) { self.phrases = phrases }

    static func + (one: Phrases, other: Phrases) -> Phrases { Phrases(one.phrases + other.phrases) }
}

/// A text of an answer, prepared for the comparison with ``Phrases``.
struct Wording {
    private let text: [UInt8]

    init(_ text: String) { self.text = text.inSmallLetters }

    /// Whether one of these phrases is a part of it.
    func contains(anyOf phrases: Phrases) -> Bool { holds(oneOf: phrases, atWordStart: false) }

    /// Whether one of these phrases begins at the start of a word in it: "pending" is in "TXN_PENDING" and not in "depending".
    func says(anyOf phrases: Phrases) -> Bool { holds(oneOf: phrases, atWordStart: true) }

    private func holds(oneOf phrases: Phrases, atWordStart: Bool) -> Bool {
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
    /// What says of a call that it was taken. Not "accepted" alone, for a token may be "not accepted".
    let taken: Phrases
    /// What an answer says of a recharge or an application, never of our credentials.
    let business: Phrases
    let panPending, panCompleted, panRejected: Phrases

    static let duplicateRefID = Phrases(["duplicate refid"])
    /// BOS has no code for it: a duplicate is told from other business errors by the message alone (bos-api.md#status).
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
    /// Bytes are compared: that is a fraction of the cost of characters.
    fileprivate var inSmallLetters: [UInt8] {
        guard utf8.allSatisfy({ $0 < 0x80 }) else { return Array(lowercased().utf8) }
        return utf8.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
    }
}
