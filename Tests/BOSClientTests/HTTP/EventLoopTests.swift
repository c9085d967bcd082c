import DedicatedThread
import NIOCore
import NIOEmbedded
import NIOPosix
import Synchronization
import Testing

@testable import BOSClient

@Suite("Work on the event loop", .timeLimit(.minutes(1)))
struct EventLoopTests {
    @Test("a head and a body that are flushed in one turn leave together at the end of the turn")
    func oneFlushPerTurn() throws {
        let flushes = FlushCounter()
        let channel = EmbeddedChannel(handlers: [flushes, FlushOnce()])
        channel.writeAndFlush(ByteBuffer(string: "head"), promise: nil)
        channel.writeAndFlush(ByteBuffer(string: "body"), promise: nil)
        #expect(flushes.count == 0)
        channel.embeddedEventLoop.run()
        #expect(flushes.count == 1)
        #expect(try channel.readOutbound(as: ByteBuffer.self) == ByteBuffer(string: "head"))
        #expect(try channel.readOutbound(as: ByteBuffer.self) == ByteBuffer(string: "body"))
        channel.writeAndFlush(ByteBuffer(string: "next"), promise: nil)
        channel.embeddedEventLoop.run()
        #expect(flushes.count == 2)
    }

    @Test("flushed bytes leave before the connection closes")
    func closeFlushesFirst() throws {
        let channel = EmbeddedChannel(handlers: [FlushOnce()])
        channel.writeAndFlush(ByteBuffer(string: "last"), promise: nil)
        channel.close(promise: nil)
        #expect(try channel.readOutbound(as: ByteBuffer.self) == ByteBuffer(string: "last"))
    }

    @Test("a task that prefers the executor runs on its event loop, also after a suspension")
    func preferredTasksRunOnTheLoop() async {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        let places = await withTaskExecutorPreference(EventLoopExecutor(eventLoop)) {
            let before = eventLoop.inEventLoop
            await Task.yield()
            return [before, eventLoop.inEventLoop]
        }
        #expect(places == [true, true])
    }

    @Test("tasks that wait together run as one batch, which posts its wake-ups at its end; later tasks form a batch of their own")
    func waitingTasksRunAsOneBatch() {
        let eventLoop = EmbeddedEventLoop()
        let executor = EventLoopExecutor(eventLoop)
        for _ in 1...3 {
            let story = Story()
            for name in ["first", "second"] {
                Task(executorPreference: executor) {
                    story.add(name)
                    WakeUps.post { story.add("whom the \(name) woke") }
                }
            }
            #expect(story.lines == [])
            eventLoop.run()
            #expect(story.lines == ["first", "second", "whom the first woke", "whom the second woke"])
        }
    }
}

extension EventLoopTests {
    @Test("tasks that another thread submits in a batch are posted at the end of the batch")
    func otherThreadsBatchIsPostedAtItsEnd() async {
        let (eventLoop, story) = (MultiThreadedEventLoopGroup.singleton.next(), Story())
        let executor = EventLoopExecutor(eventLoop)
        await Self.inBatch { tasks in
            for name in ["first", "second"] { tasks.append(Task(executorPreference: executor) { story.add(name) }) }
            Self.finishWork(of: eventLoop)
            story.add("the batch ends")
        }
        #expect(story.lines == ["the batch ends", "first", "second"])
    }

    @Test("the loop's own tasks do not wait for another thread's batch")
    func ownTasksDoNotWait() async {
        let (eventLoop, story) = (MultiThreadedEventLoopGroup.singleton.next(), Story())
        let executor = EventLoopExecutor(eventLoop)
        await Self.inBatch { tasks in
            tasks.append(Task(executorPreference: executor) { story.add("the thread's") })
            eventLoop.execute { Task(executorPreference: executor) { story.add("the loop's own") } }
            Self.finishWork(of: eventLoop)
            Self.finishWork(of: eventLoop)
            story.add("the batch ends")
        }
        #expect(story.lines == ["the thread's", "the loop's own", "the batch ends"])
    }

    /// Starts tasks in a batch of this thread. Waits for their end after the batch.
    private static func inBatch(_ body: (inout [Task<Void, Never>]) -> Void) async {
        var tasks: [Task<Void, Never>] = []
        WakeUps.batched { body(&tasks) }
        for task in tasks { await task.value }
    }

    /// Returns once the loop has done all earlier work.
    private static func finishWork(of eventLoop: any EventLoop) { try? eventLoop.submit {}.wait() }
}

private final class Story: Sendable {
    private let log = Mutex<[String]>([])

    var lines: [String] { log.withLock { $0 } }

    func add(_ line: String) { log.withLock { $0.append(line) } }
}

private final class FlushCounter: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    var count = 0

    func flush(context: ChannelHandlerContext) {
        count += 1
        context.flush()
    }
}
