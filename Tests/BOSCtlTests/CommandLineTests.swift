import ArgumentParser
import Testing

@testable import BOSCtl

@Suite("The command line of bosctl", .timeLimit(.minutes(1)))
struct CommandLineTests {
    /// A wrong command line, and a part of the message about it.
    private static let nonsense: [(String, says: String)] = [
        ("resolve r --succeeded --reason 123", "--reason must say why in words"),
        ("resolve r --reason told", "--succeeded"),
        ("resolve r --succeeded --failed --reason told", "--failed"),
        ("resolve r --failed", "--reason"),
        ("resolve --failed --reason told", "reference"),
        ("resolve r --not-found --older-than 1h --failed --reason told", "in place of it"),
        ("resolve --not-found --failed --reason told", "--older-than"),
        ("resolve r --older-than 1h --failed --reason told", "--older-than"),
        ("resolve --not-found --older-than 1h --succeeded --reason told", "--failed or --send"),
        ("publish recharge --count 0", "--count must be from 1 to 10000000"),
        ("publish recharge --rate 0", "--rate must be above 0"),
        ("publish recharge --rate nan", "--rate must be above 0"),
        ("publish recharge --file f --count 2", "--count or --file, not both"),
        ("publish recharge --timeout 5", "--timeout"),
        ("doubts --limit 0", "--limit"),
        ("retry --reason told", "reference"),
        ("retry r", "--reason"),
        ("pause recharges", "--reason"),
        ("pause everything --reason told", "everything"),
        ("resume --reason told", "jobs"),
        ("job", "reference"),
        ("dead show", "id"),
        ("dead replay --reason told", "give --all"),
        ("dead replay x --all --reason told", "in place of it"),
        ("dead replay x", "--reason"),
        ("dead purge --yes --reason told", "one of --id, --older-than and --all"),
        ("dead purge --all --id x --yes --reason told", "one of --id, --older-than and --all"),
        ("dead purge --all --yes", "--reason"),
        ("unrouted replay --reason told", "give --all"),
        ("unrouted replay x", "--reason"),
    ]

    @Test("a wrong command line is refused with a message that says what is wrong", arguments: nonsense)
    func refusesWrongCommandLine(line: String, says: String) {
        #expect {
            try BOSCtlCommand.parseAsRoot(line.split(separator: " ").map(String.init))
        } throws: {
            BOSCtlCommand.message(for: $0).contains(says)
        }
    }

    @Test(
        "a reason with a line break, with a change of writing direction, or of more than 500 characters is refused",
        arguments: ["told\nby phone", "told\u{202E}", String(repeating: "a", count: 501)])
    func refusesUnprintableOrLongReason(text: String) {
        #expect {
            try BOSCtlCommand.parseAsRoot(["resolve", "r", "--failed", "--reason", text])
        } throws: {
            BOSCtlCommand.message(for: $0).contains("one line of at most 500 characters")
        }
    }

    @Test("a correct command line is parsed")
    func parsesResolve() throws {
        let command = try #require(
            try BOSCtlCommand.parseAsRoot(["resolve", "r", "--failed", "--reason", "told by BOS"]) as? ResolveCommand)
        #expect(command.reference == "r" && command.word == .failed && command.reason.reason == "told by BOS")
        #expect(!command.yes && !command.againstBOS)
    }
}
