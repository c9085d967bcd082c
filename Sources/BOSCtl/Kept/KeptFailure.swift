import ArgumentParser
import Daemon

/// Why a command about kept messages could not be carried out. Its description is a sentence for the operator.
enum KeptFailure: Error, CustomStringConvertible {
    case broker(String, String)
    /// The broker refuses to hand out the queue's messages.
    case unreadable(String, String)
    case unknown(String, queue: String)
    /// The operator did not confirm the purge.
    case unconfirmed(count: Int, queue: String)
    /// The file for what is dropped cannot be written.
    case file(String, String)
    /// Some of the messages stay in the queue, as the output says. `isTemporary`: the same command may work later.
    case left(count: Int, queue: String, isTemporary: Bool)

    var description: String {
        switch self {
        case .broker(let queue, let reason):
            "\(queue) could not be read to its end: \(reason). What was not removed is still there; try again"
        case .unreadable(let queue, let reason):
            "the broker does not hand out the messages of \(queue): \(reason). The user of amqp.urls needs the right to read it: see "
                + "/usr/share/doc/bos-worker/operating.md#rights-on-the-broker"
        case .unknown(let name, let queue):
            "\(queue) has no message \(name.printable); nothing was changed. The list of its messages shows their ids"
        case .unconfirmed(let count, let queue):
            "\(count) messages of \(queue) would be dropped; nothing was changed: add --yes"
        case .file(let path, let reason): "the file \(path) cannot be written: \(reason). Nothing that is not in it was removed"
        case .left(let count, let queue, _): "\(count) of these messages stay in \(queue), as is said above"
        }
    }

    var exitCode: ExitCode {
        switch self {
        case .broker: ExitCode(ProcessExit.notDrained.rawValue)
        case .unreadable: ExitCode(ProcessExit.configuration.rawValue)
        case .unknown, .unconfirmed, .file: .failure
        case .left(_, _, let isTemporary): isTemporary ? ExitCode(ProcessExit.notDrained.rawValue) : .failure
        }
    }
}

extension ConfigurationOptions {
    /// Runs a command about kept messages, which needs ledger and broker.
    /// - Throws: the exit code of the failure, after printing it.
    func withKeptMessages(isJSON: Bool, _ body: (LedgerAccess, Settings, Console) async throws -> Void) async throws {
        try await withLedger(isJSON: isJSON) { access, settings, console in
            do {
                try await body(access, settings, console)
            } catch let failure as KeptFailure {
                console.complain("\(failure)")
                throw failure.exitCode
            } catch let failure as BrokerError {
                console.complain("\(failure)")
                throw ExitCode(ProcessExit.notDrained.rawValue)
            }
        }
    }
}
