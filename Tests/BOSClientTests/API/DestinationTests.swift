import JobModel
import Secrets
import Testing

@testable import BOSClient

@Suite("Where recharges go", .timeLimit(.minutes(1)))
struct DestinationTests {
    private func destination(_ baseURL: String, change: (inout BOSConfiguration) -> Void = { _ in }) -> String {
        var configuration = BOSConfiguration()
        configuration.baseURL = baseURL
        change(&configuration)
        return configuration.destination
    }

    @Test(
        "different spellings of one API give the same destination",
        arguments: [
            "https://api.bos.center/api/BOS", "https://api.bos.center/api/BOS/", "https://api.bos.center/api/BOS//",
            "HTTPS://API.Bos.Center:443/api/BOS", "https://user:word@api.bos.center/api/BOS",
        ])
    func spellingsShareADestination(baseURL: String) {
        #expect(destination(baseURL) == "https://api.bos.center:443/api/BOS/DoRecharge (auth none)")
    }

    @Test("another host, port, path or scheme gives another destination")
    func otherAPIsHaveOtherDestinations() {
        let addresses = [
            "https://api.bos.center/api/BOS", "https://api.bos.center:8443/api/BOS", "http://api.bos.center/api/BOS",
            "https://api.bos.center/api/bos", "https://api.bos.centre/api/BOS", "https://api.bos.center/api/AOP",
        ]
        var destinations = Set(addresses.map { destination($0) })
        destinations.insert(destination(addresses[0]) { $0.endpoints.recharge = "Recharge" })
        #expect(destinations.count == addresses.count + 1)
    }

    @Test("destinations distinguish accounts without showing id or secret")
    func accountsHaveOtherDestinations() {
        func account(_ id: String, secret: String) -> String {
            destination("https://h/a") {
                $0.credentials = .authorise(.init(url: "https://t/x", clientID: id, clientSecret: Secret(secret)))
            }
        }
        #expect(account("merchant-1", secret: "s") == account("merchant-1", secret: "t"))
        #expect(account("merchant-1", secret: "s") != account("merchant-2", secret: "s"))
        // The first four bytes of SHA-256 of "merchant-1".
        #expect(account("merchant-1", secret: "sesame") == "https://h:443/a/DoRecharge (auth authorise 1c656cec)")
        #expect(destination("https://h/a") { $0.credentials = .file(path: "/run/token") } == "https://h:443/a/DoRecharge (auth file)")
    }
}
