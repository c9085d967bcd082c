import JobEngine
import JobModel
import LedgerKit
import Testing

@Suite("The age of a stored moment", .timeLimit(.minutes(1)))
struct ObservedAgeTests {
    @Test("while the wall clock is right, the age is that by the wall clock, and zero for a moment in the future")
    func wallClockIsRight() {
        var age = ObservedAge()
        #expect(age.age(of: nil, at: Sample.start, uptime: .zero, mayBeAhead: true) == .zero)
        #expect(age.age(of: Sample.moment(60), at: Sample.start, uptime: .zero, mayBeAhead: true) == .zero)
        #expect(age.age(of: Sample.moment(60), at: Sample.moment(50), uptime: .seconds(50), mayBeAhead: true) == .zero)
        #expect(age.age(of: Sample.moment(60), at: Sample.moment(90), uptime: .seconds(90), mayBeAhead: true) == .seconds(30))
    }

    @Test("after the wall clock was set back, the age grows from when the moment was first seen, or should have come")
    func wallClockWasSetBack() {
        var doubt = ObservedAge()
        #expect(doubt.age(of: Sample.moment(19_800), at: Sample.start, uptime: .zero, mayBeAhead: false) == .zero)
        #expect(doubt.age(of: Sample.moment(19_800), at: Sample.moment(600), uptime: .seconds(600), mayBeAhead: false) == .seconds(600))
        var due = ObservedAge()
        #expect(due.age(of: Sample.moment(30), at: Sample.start, uptime: .zero, mayBeAhead: true) == .zero)
        #expect(due.age(of: Sample.moment(30), at: Sample.moment(-20_000), uptime: .seconds(630), mayBeAhead: true) == .seconds(600))
        #expect(due.age(of: Sample.moment(-19_000), at: Sample.moment(-20_000), uptime: .seconds(630), mayBeAhead: true) == .zero)
    }
}
