internal import Secrets

/// Removes the worker's secrets from texts of BOS. BOS may repeat what it received, and its texts are stored, published and shown.
struct SecretMask: Sendable {
    /// In lower case, the longest first, because one secret may contain another.
    private var secrets: [[UInt8]] = []

    /// Replaces a secret.
    private static let replacement = Array("<redacted>".utf8)
    /// In bytes. Shorter texts are not masked, because words contain them by chance.
    private static let shortest = 4
    /// The same for texts that are digits only, because the numbers of recharges contain short ones by chance.
    private static let fewestDigits = 8

    init(_ secrets: [Secret?] = []) {
        for secret in secrets { add(secret?.revealed) }
    }

    /// This mask with one secret more.
    func adding(_ secret: String) -> SecretMask {
        var mask = self
        mask.add(secret)
        return mask
    }

    private mutating func add(_ secret: String?) {
        guard let bytes = secret?.utf8.map(Self.small), bytes.count >= Self.shortest else { return }
        guard bytes.count >= Self.fewestDigits || !bytes.allSatisfy(Self.isDigit), !secrets.contains(bytes) else { return }
        secrets.insert(bytes, at: secrets.firstIndex { $0.count < bytes.count } ?? secrets.endIndex)
    }

    /// The text without secrets, in whatever letter case BOS repeated them.
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
    /// Masks the secrets of the configuration.
    var mask: SecretMask {
        var secrets = [pan.nepKey]
        if case .authorise(let authorise) = credentials { secrets.append(authorise.clientSecret) }
        return SecretMask(secrets)
    }
}
