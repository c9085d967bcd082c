import AMQP
import ExactJSON
import JobModel

/// Masks what may be a subscriber's number in messages that were not understood. It masks too much rather than too little.
enum SubscriberMask {
    /// The fields of a job whose values an operator needs, and that hold no subscriber's number.
    private static let plainFields: Set<String> = ["operator", "amount", "referenceid", "refid", "registerid", "expires_at"]

    /// A body as text for people. Bytes that are not UTF-8 and control characters become replacement characters.
    static func body(_ body: [UInt8]) -> String {
        guard let json = try? JSONValue.parse(body, skipsMark: true), case .object = json else {
            return text(String(decoding: body, as: UTF8.self))
        }
        return String(decoding: value(json).encoded, as: UTF8.self).printable
    }

    /// A body as JSON: the masked value if the body is a JSON object, else a masked text.
    static func json(_ body: [UInt8]) -> JSONValue {
        guard let json = try? JSONValue.parse(body, skipsMark: true), case .object = json else {
            return .string(text(String(decoding: body, as: UTF8.self)))
        }
        return value(json)
    }

    private static func value(_ json: JSONValue) -> JSONValue {
        switch json {
        case .null, .bool: json
        case .number(let number): text(number) == number ? json : .string(text(number))
        case .string(let string): .string(text(string))
        case .array(let values): .array(values.map(value))
        case .object(let members): .object(members.map { .init(text($0.name), member($0, among: members)) })
        }
    }

    private static func member(_ member: JSONValue.Member, among members: [JSONValue.Member]) -> JSONValue {
        let name = member.name.lowercased().filter { $0.isLetter || $0 == "_" }
        if name == "canumber", let number = member.value.text { return .string(masked(number).printable) }
        guard plainFields.contains(name), let plain = member.value.text else { return value(member.value) }
        // Some services make the reference out of the subscriber's number.
        let numbers = members.filter { $0.name.lowercased() == "canumber" }.compactMap(\.value.text).filter { $0.count >= 5 }
        return numbers.contains { plain.contains($0) } ? .string(text(plain)) : shortened(member.value)
    }

    /// A plain field is not longer than a job allows. A longer one may hold anything.
    private static func shortened(_ json: JSONValue) -> JSONValue {
        guard let plain = json.text, plain.utf8.count > JobRules.maximumReferenceLength else { return json }
        return value(json)
    }

    /// A text in printable form, in which each run that may be a number has only its last three characters left: seven digits and more, with
    /// up to two other characters between them, and words of seven characters and more with at least four digits.
    static func text(_ text: String) -> String {
        let characters = Array(text)
        var result = ""
        var index = 0
        while index < characters.count {
            guard characters[index].isWord else {
                result.append(characters[index])
                index += 1
                continue
            }
            let end = runEnd(in: characters, from: index)
            let run = characters[index..<end]
            result += isNumber(run) ? "***" + String(run.suffix(3)) : String(run)
            index = end
        }
        return result.printable
    }

    private static func isNumber(_ run: ArraySlice<Character>) -> Bool {
        let digits = run.count { $0.isNumber }
        return digits >= 7 || (digits >= 4 && run.count { $0.isWord } >= 7)
    }

    /// The end of the word that begins at `start`. Words of digits alone are joined over up to two other characters.
    private static func runEnd(in characters: [Character], from start: Int) -> Int {
        var end = wordEnd(in: characters, from: start)
        while characters[start..<end].allSatisfy({ $0.isNumber || !$0.isWord }) {
            guard let next = characters[end...].prefix(3).firstIndex(where: \.isWord), next > end else { return end }
            let nextEnd = wordEnd(in: characters, from: next)
            guard characters[next..<nextEnd].allSatisfy(\.isNumber) else { return end }
            end = nextEnd
        }
        return end
    }

    private static func wordEnd(in characters: [Character], from start: Int) -> Int {
        characters[start...].firstIndex { !$0.isWord } ?? characters.count
    }
}

extension Character {
    fileprivate var isWord: Bool { isLetter || isNumber }
}

// MARK: - Headers

extension SubscriberMask {
    /// A header's value as JSON with masked texts and numbers.
    static func json(_ field: FieldValue) -> JSONValue {
        switch field {
        case .null: .null
        case .bool(let value): .bool(value)
        case .int(let number): number.magnitude < 1_000_000 ? .number(String(number)) : .string(text(String(number)))
        case .double(let number): .string(text("\(number)"))
        case .decimal(let scale, let value): .string(text("\(value)e-\(scale)"))
        case .string(let string): .string(text(string))
        case .bytes(let bytes): .string(text(String(decoding: bytes, as: UTF8.self)))
        case .timestamp(let seconds): .string(moment(seconds))
        case .array(let values): .array(values.map { json($0) })
        case .table(let table): .object(members(table))
        }
    }

    /// The members are sorted by name.
    static func members(_ table: [String: FieldValue]) -> [JSONValue.Member] {
        table.sorted { $0.key < $1.key }.map { .init(text($0.key), json($0.value)) }
    }

    private static func moment(_ seconds: UInt64) -> String {
        guard seconds <= UInt64(Timestamp.plausible.upperBound / 1_000) else { return "no time" }
        return Timestamp(milliseconds: Int64(seconds) * 1_000).rfc3339
    }
}
