import JobModel

extension MemoryState.Entry {
    func isExecuted(at destination: String) -> Bool {
        guard case .recharge = record.job, record.progress.state == .succeeded else { return false }
        return record.progress.sentTo.map { $0.utf8.elementsEqual(destination.utf8) } == true && record.progress.enquiries == 0
            && record.progress.answer != nil && !history.contains { $0.event == .resolved }
    }
}

extension MemoryState {
    func doubtsSentElsewhere(than destination: String) -> DoubtTotal {
        entries.reduce(into: DoubtTotal()) { total, entry in
            let (job, progress) = (entry.record.job, entry.record.progress)
            guard case .recharge = job, [.sending, .inDoubt, .parked].contains(progress.state), let sentTo = progress.sentTo,
                !sentTo.utf8.elementsEqual(destination.utf8)
            else { return }
            total.count += 1
            total.amount = Money(paise: total.amount.paise + job.amount.paise)
        }
    }

    var pendingApplications: PendingApplications {
        entries.lazy.map(\.record).reduce(into: PendingApplications()) { pending, record in
            guard record.job.kind == .panStatus, record.progress.state == .pending else { return }
            pending.count += 1
            pending.oldest = [pending.oldest, record.acceptedAt].compactMap { $0 }.min()
            pending.nextDue = [pending.nextDue, record.progress.dueAt].compactMap { $0 }.min()
        }
    }

    var summary: LedgerSummary {
        var summary = LedgerSummary()
        for record in entries.lazy.map(\.record) {
            summary.stored[.init(record.job.kind, in: record.progress.state), default: 0] += 1
            if record.progress.state == .inDoubt || record.progress.state == .parked {
                summary.doubtAmount = Money(paise: summary.doubtAmount.paise + record.job.amount.paise)
                if record.job.kind == .recharge {
                    summary.oldestDoubt = [summary.oldestDoubt, record.progress.firstSentAt].compactMap { $0 }.min()
                }
            }
            if record.owner == nil, !record.progress.state.isFinal, !record.progress.state.needsManualReview {
                summary.oldestDue = [summary.oldestDue, record.progress.dueAt].compactMap { $0 }.min()
            }
        }
        summary.unpublishedReplies = replies.count { !$0.isPublished }
        return summary
    }
}
