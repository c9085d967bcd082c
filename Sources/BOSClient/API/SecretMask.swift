internal import Secrets

/// Takes our secrets out of texts that BOS has sent. BOS may repeat what it was sent, and its texts are stored, published and shown.
struct SecretMask: Sendable {
    /// In small letters, the longest first: one may be a part of another.
    private var secrets: [[UInt8]] = []

    /// What stands in place of a secret.
    private static let replacement = Array("<redacted>".utf8)
    /// A shorter text is no secret, and would be found in words by chance; digits would be found in the numbers of recharges.
    private static let shortest = 4
    private static let fewestDigits = 8

    init(_ secrets: [Secret?] = []) {
        for secret in secrets { add(secret?.revealed) }
    }

    func adding(_ secret: String?) -> SecretMask {
        var mask = self
        mask.add(secret)
        return mask
    }

    private mutating func add(_ secret: String?) {
        guard let bytes = secret?.utf8.map(Self.small), bytes.count >= Self.shortest else { return }
        guard bytes.count >= Self.fewestDigits || !bytes.allSatisfy(Self.isDigit), !secrets.contains(bytes) else { return }
        secrets.insert(bytes, at: secrets.firstIndex { $0.count < bytes.count } ?? secrets.endIndex)
    }

    /// The text without any secret, in whatever letters BOS has repeated it.
    func masked(_ text: String) -> String {
        guard secrets.contains(where: { $0.count <= text.utf8.count }) else { return text }
        let bytes = Array(text.utf8)
        let small = bytes.map(Self.small)
        var result: [UInt8] = []
        var (place, copied) = (0, 0)
        while place < small.count {
            guard let secret = secrets.first(where: { $0[0] == small[place] && small[place...].starts(with: $0) }) else {
                place += 1
                continue
            }
            result += bytes[copied..<place] + Self.replacement
            place += secret.count
            copied = place
        }
        return copied == 0 ? text : String(decoding: result + bytes[copied...], as: UTF8.self)
    }

    private static func small(_ byte: UInt8) -> UInt8 { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}

extension BOSConfiguration {
    /// The secrets that every call, or some call, sends.
    var mask: SecretMask {
        var secrets = [pan.nepKey]
        if case .authorise(let authorise) = credentials { secrets.append(authorise.clientSecret) }
        return SecretMask(secrets)
    }
}
