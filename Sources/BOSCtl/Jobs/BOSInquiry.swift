import BOSClient
import Daemon
import JobEngine
import JobModel
import Ledger
import Logging

/// Enquiries about recharges, made by a person. They move no money.
struct BOSInquiry {
    let settings: Settings

    /// What BOS says, or why it could not be asked.
    func ask(_ known: JobRecord) async -> CallReport<Enquiry> {
        await asking { ask in await ask(known) }
    }

    /// Runs `body` with a function that asks about one recharge.
    func asking<Value>(_ body: ((JobRecord) async -> CallReport<Enquiry>) async throws -> Value) async rethrows -> Value {
        let client: BOSClient
        do {
            client = try BOSClient(
                configuration: settings.bosConfiguration, logger: Logger(label: "bosctl", factory: { _ in SwiftLogNoOpLogHandler() }))
        } catch {
            return try await body { _ in CallReport(.unanswered(.notSent, retryAfter: nil), note: "BOS cannot be asked: \(error)") }
        }
        let gateway = BOSClientGateway(client)
        do {
            let value = try await body { known in await ask(known, gateway) }
            await client.shutdown()
            return value
        } catch {
            await client.shutdown()
            throw error
        }
    }

    /// Asks as the worker does: under the name and the merchant that the recharge has at BOS.
    private func ask(_ known: JobRecord, _ gateway: BOSClientGateway) async -> CallReport<Enquiry> {
        guard case .recharge(let recharge) = known.job else {
            return CallReport(.unanswered(.notSent, retryAfter: nil), note: "only recharges are asked about")
        }
        let configuration = settings.engineConfiguration
        let name = configuration.enquiresBy.name(recharge.reference, bosReference: known.progress.bosReference)
        let call = CallOptions(traceparent: known.traceparent, timeout: configuration.requestTimeout)
        return await gateway.enquire(name, registerID: recharge.registerID, call)
    }
}
