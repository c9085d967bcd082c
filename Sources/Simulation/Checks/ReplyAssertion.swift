import JobModel
import Ledger

/// What a reply claims, at the moment at which it is stored, with all that is true then.
struct ReplyAssertion {
    let reply: Reply
    /// When the step before this one was stored: what the reply rests on was heard after it. In the world's milliseconds, as all times here.
    let since: Int64
    let now: Int64
    /// When the recharge of that reference was taken up, if it was.
    let acceptedAt: Int64?
    let recharge: JobRecord?
    let account: ModelBOS.Account

    /// What is wrong with the claim; `nil` if it says no more than is known.
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
            // Of a recharge that is not this ledger's BOS alone can know.
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
