/// The limits and defaults that apply to a job beyond its form.
package struct JobRules: Sendable {
    /// The largest message that is read, in bytes. Source: publishing.md#a-job.
    package static let maximumSize = 64 * 1024
    /// The longest reference, in bytes of UTF-8. BOS documents no limit, so this one is our own. It fits into AMQP's 255 bytes.
    package static let maximumReferenceLength = 64

    /// For a job without a `RegisterID` of its own.
    package var registerID: String?
    /// The largest single recharge that is sent. No page of the provider states a limit, so this default is an assumption.
    package var maximumAmount = Money(paise: 10_000_00)

    /// Whether to accept forms that an earlier version accepted and this one refuses: a misspelled field name beside the right one, white
    /// space around a text, a type that contradicts the routing key, a recharge in the queue of questions.
    var takesEarlierForms = false

    package init() {}

    /// Rules for reading a job again that was accepted before. They allow everything that the job holds, and fill in the `RegisterID` that
    /// it got then.
    package init(acceptedAs job: Job) {
        registerID = job.registerID
        maximumAmount = Money(paise: .max)
        takesEarlierForms = true
    }

    /// The reference as a refusal may repeat it; `nil` if it is too long, empty or has control characters.
    static func echoed(_ reference: String) -> String? {
        let isPlausible = !reference.isEmpty && reference.utf8.count <= maximumReferenceLength
        return isPlausible && reference.hasNoControlCharacters ? reference : nil
    }
}

extension String {
    var hasNoControlCharacters: Bool {
        // These are all characters of Unicode's category Cc (Unicode Standard, section 23.1).
        unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) }
    }
}
