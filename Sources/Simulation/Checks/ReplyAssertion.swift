import JobModel
import Ledger

/// What a reply claims when it is stored, together with the facts at that moment. All times are milliseconds since the start.
struct ReplyAssertion {
    let reply: Reply
    /// When the job's step before this one was stored. The run learned the facts behind the reply after that.
    let since: Int64
    let now: Int64
    /// When a worker accepted the recharge of that reference; `nil` if none did.
    let acceptedAt: Int64?
    let recharge: JobRecord?
    let account: ModelBOS.Account

    /// What is wrong with the claim; `nil` if the facts support it.
    func problem(of job: Job) -> String? {
        switch job.kind {
        case .recharge: problemOfRecharge
        case .rechargeStatus: problemOfQuestion
        case .panStatus: problemOfApplication(job.reference)
        }
    }

    private var outcome: Outcome { reply.verdict.outcome }

    private var problemOfRecharge: String? {
        switch outcome {
        case .expired, .refused: account.taken > 0 ? "it was sent before" : nil
        case .failed where reply.verdict.failure?.code == .refusedByBOS:
            account.refusals > 0 || account.hasFailed ? nil : "BOS has not refused it"
        case .notFound: "that is no answer to a recharge"
        case .succeeded, .failed, .inDoubt, .pending: nil
        }
    }

    private var problemOfQuestion: String? {
        switch outcome {
        case .succeeded:
            // Only BOS can know of a recharge that is not in this ledger.
            acceptedAt.map { $0 <= since } == true && account.executed == 0 ? "BOS has not executed it" : nil
        case .failed: account.executed > 0 ? "BOS has executed it" : nil
        case .notFound:
            if account.executed > 0, account.executedAt <= since {
                "BOS had executed it before it was asked"
            } else if let acceptedAt, acceptedAt <= since, recharge?.progress.state.isFinal == false {
                "this ledger has it unfinished"
            } else {
                nil
            }
        case .refused, .inDoubt, .pending, .expired: nil
        }
    }

    private func problemOfApplication(_ reference: String) -> String? {
        switch outcome {
        case .succeeded, .failed: PANDecision(reference).at > now ? "it is not decided" : nil
        case .refused, .inDoubt, .pending, .notFound, .expired: nil
        }
    }
}
