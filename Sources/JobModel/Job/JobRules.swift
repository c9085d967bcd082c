/// What makes a message acceptable beyond its form.
package struct JobRules: Sendable {
    /// A larger message is refused unread, in bytes. Source: publishing.md#a-job.
    package static let maximumSize = 64 * 1024
    /// A longer reference is refused, in bytes of UTF-8; BOS documents no limit, so this one is ours. It fits AMQP's 255 bytes.
    package static let maximumReferenceLength = 64

    /// Used for a job that names no `RegisterID` of its own.
    package var registerID: String?
    /// The largest single recharge that is ever sent. No page of the provider states a limit, so this default is an assumption.
    package var maximumAmount = Money(paise: 10_000_00)

    /// Whether a message may have forms that this version refuses and an earlier one took: a field spelled nearly as ours, white space around
    /// a text, a type that contradicts the routing key, a recharge in the queue of questions.
    var takesEarlierForms = false

    package init() {}

    /// Those under which a job was accepted: whatever it holds passed, and what it left to the configuration is settled.
    package init(acceptedAs job: Job) {
        registerID = job.registerID
        maximumAmount = Money(paise: .max)
        takesEarlierForms = true
    }

    /// What a refusal tells of a reference: nothing if it is too long or too odd to be one.
    static func echoed(_ reference: String) -> String? {
        let isPlausible = !reference.isEmpty && reference.utf8.count <= maximumReferenceLength
        return isPlausible && reference.hasNoControlCharacters ? reference : nil
    }
}

extension String {
    var hasNoControlCharacters: Bool {
        // Unicode's category Cc is these and nothing else (Unicode Standard, section 23.1).
        unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) }
    }
}
