import JobModel
import Secrets

/// How values of one type are written in the configuration: which texts are accepted, and how a value is shown.
struct ValueFormat<Value: Sendable>: Sendable {
    /// What would be right. Advice puts it behind the word "write": "a duration from 1s to 10m, such as …".
    let expectation: String
    /// Whether the value is a list: a YAML list in the file, texts with commas between them elsewhere.
    var isList = false
    /// The value, or `nil` if the texts do not have this format. A format that is no list gets exactly one text. No text is empty.
    let parse: @Sendable ([String]) -> Value?
    /// The text of a value. `nil` or an empty text if there is nothing to show.
    let format: @Sendable (Value) -> String?
}

extension ValueFormat {
    private init(_ expectation: String, parse: @escaping @Sendable (String) -> Value?, format: @escaping @Sendable (Value) -> String?) {
        self.init(expectation: expectation, parse: { $0.first.flatMap(parse) }, format: format)
    }

    /// A value that may be absent.
    static func optional<Wrapped>(_ wrapped: ValueFormat<Wrapped>) -> Self where Value == Wrapped? {
        Self(expectation: wrapped.expectation, isList: wrapped.isList) { texts in
            wrapped.parse(texts).map(Optional.some)
        } format: { value in
            value.flatMap(wrapped.format)
        }
    }

    /// A list of values.
    /// - Parameter minimum: the smallest number of entries that is accepted.
    static func list<Element>(_ element: ValueFormat<Element>, atLeast minimum: Int = 0) -> Self where Value == [Element] {
        Self(expectation: "a list, each entry \(element.expectation)", isList: true) { texts in
            let values = texts.compactMap { element.parse([$0]) }
            return values.count == texts.count && values.count >= minimum ? values : nil
        } format: { values in
            values.compactMap(element.format).joined(separator: ",")
        }
    }
}

extension ValueFormat<Duration> {
    static func duration(_ range: ClosedRange<Duration>) -> Self {
        let (least, most) = (DurationText.format(range.lowerBound), DurationText.format(range.upperBound))
        return Self("a duration from \(least) to \(most), such as 250ms, 30s, 5m, 2h or 30d") { text in
            DurationText.parse(text).flatMap { range.contains($0) ? $0 : nil }
        } format: {
            DurationText.format($0)
        }
    }

    /// A duration in whole seconds, the unit in which AMQP negotiates heartbeats.
    static func wholeSeconds(_ range: ClosedRange<Duration>) -> Self {
        let duration = duration(range)
        return Self(duration.expectation + ", in whole seconds") { text in
            duration.parse([text]).flatMap { $0.components.attoseconds == 0 ? $0 : nil }
        } format: {
            DurationText.format($0)
        }
    }
}

extension ValueFormat<Int> {
    static func integer(_ range: ClosedRange<Int>) -> Self {
        Self("a whole number from \(range.lowerBound) to \(range.upperBound)") { text in
            Int(text).flatMap { range.contains($0) ? $0 : nil }
        } format: {
            String($0)
        }
    }
}

extension ValueFormat<Double> {
    /// A share between 0 and 1, written as a whole number of percent.
    static func percent(_ range: ClosedRange<Int>) -> Self {
        let number = ValueFormat<Int>.integer(range)
        return Self(number.expectation) { text in
            number.parse([text]).map { Double($0) / 100 }
        } format: {
            String(Int(($0 * 100).rounded()))
        }
    }
}

extension ValueFormat<Money> {
    /// An amount of money, written in rupees.
    /// - Parameter range: in paise.
    static func rupees(_ range: ClosedRange<Int64>) -> Self {
        let (least, most) = (RupeeText.format(range.lowerBound), RupeeText.format(range.upperBound))
        return Self("rupees from \(least) to \(most), with at most two decimals") { text in
            RupeeText.parse(text).flatMap { range.contains($0) ? Money(paise: $0) : nil }
        } format: {
            RupeeText.format($0.paise)
        }
    }
}

extension ValueFormat<Bool> {
    static var flag: Self {
        Self("true or false") {
            Bool($0)
        } format: {
            String($0)
        }
    }
}

extension ValueFormat where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
    /// One case of an enumeration, written as its raw value.
    static var choice: Self {
        let names = Value.allCases.map(\.rawValue)
        return Self("one of " + names.joined(separator: ", ")) {
            Value(rawValue: $0)
        } format: {
            $0.rawValue
        }
    }
}

extension ValueFormat<String> {
    /// Any text on one line.
    static func text(_ what: String) -> Self {
        Self(what + ", on one line") {
            isOneLine($0) ? $0 : nil
        } format: {
            $0
        }
    }

    /// The path of a file. The code that opens the file finds out whether it exists.
    static var path: Self { text("the path of a file") }

    /// The name of a queue or an exchange. AMQP allows 255 bytes and reserves names that start with `amq.`.
    static var brokerName: Self {
        let text = text("a name of at most 255 bytes that does not start with amq.")
        return Self(text.expectation) { name in
            name.utf8.count <= 255 && !name.hasPrefix("amq.") ? text.parse([name]) : nil
        } format: {
            $0
        }
    }

    /// The name of an HTTP header. Source: RFC 9110, section 5.1.
    static var headerName: Self {
        let others = "!#$%&'*+-.^_`|~"
        return Self("the name of an HTTP header") { name in
            name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || others.contains($0)) } ? name : nil
        } format: {
            $0
        }
    }

    /// An `http` or `https` URL without user, password, query and fragment, because the URL appears in logs.
    static var webURL: Self {
        Self("a URL such as https://host/path without user, password, query and fragment") { text in
            isWebURL(text) ? text : nil
        } format: {
            $0
        }
    }
}

extension ValueFormat<Secret> {
    /// A text that no log, page or error shows.
    static func secret(_ what: String, where isRight: @escaping @Sendable (String) -> Bool = { _ in true }) -> Self {
        Self(what) {
            isRight($0) ? Secret($0) : nil
        } format: {
            $0.revealed
        }
    }
}

/// Whether a text is free of line breaks and other control characters.
private func isOneLine(_ text: String) -> Bool { !text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F } }

/// Amounts of rupees as people write them in the configuration: `500`, `99.50`. The code counts in paise and uses no floating point.
enum RupeeText {
    /// The paise of a decimal number with at most two decimals. `nil` for any other text, and for more than 2^63 - 1 paise.
    static func parse(_ text: String) -> Int64? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }) else {
            return nil
        }
        let decimals = parts.count == 2 ? String(parts[1]) : ""
        guard decimals.count <= 2, let rupees = Int64(parts[0]) else { return nil }
        let hundredths = Int64(decimals + String(repeating: "0", count: 2 - decimals.count)) ?? 0
        let (paise, hasOverflowed) = rupees.multipliedReportingOverflow(by: 100)
        let (total, hasOverflowedToo) = paise.addingReportingOverflow(hundredths)
        return hasOverflowed || hasOverflowedToo ? nil : total
    }

    /// The amount in rupees: without decimals if it is whole (`100`), otherwise with two (`99.50`).
    static func format(_ paise: Int64) -> String {
        let (rupees, rest) = paise.quotientAndRemainder(dividingBy: 100)
        return rest == 0 ? "\(rupees)" : "\(rupees).\(rest < 10 ? "0" : "")\(rest)"
    }
}
