import DedicatedThread
import NIOCore
import NIOEmbedded
import NIOPosix
import Synchronization
import Testing

@testable import BOSClient

@Suite("What runs on the event loop", .timeLimit(.minutes(1)))
struct EventLoopTests {
    @Test("a head and a body that are flushed in one turn leave together, at its end")
    func flushedOnce() throws {
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

    @Test("what was flushed leaves before the connection closes")
    func flushedAtClose() throws {
        let channel = EmbeddedChannel(handlers: [FlushOnce()])
        channel.writeAndFlush(ByteBuffer(string: "last"), promise: nil)
        channel.close(promise: nil)
        #expect(try channel.readOutbound(as: ByteBuffer.self) == ByteBuffer(string: "last"))
    }

    @Test("a task that prefers the executor runs on its event loop, also after a wait")
    func executor() async {
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        let places = await withTaskExecutorPreference(EventLoopExecutor(eventLoop)) {
            let before = eventLoop.inEventLoop
            await Task.yield()
            return [before, eventLoop.inEventLoop]
        }
        #expect(places == [true, true])
    }

    @Test("tasks that wait at once run as one batch, which wakes others up at its end; what comes later is a batch of its own")
    func batch() {
        let eventLoop = EmbeddedEventLoop()
        let executor = EventLoopExecutor(eventLoop)
        for _ in 1...3 {
            let story = Story()
            for name in ["first", "second"] {
                Task(executorPreference: executor) {
                    story.add(name)
                    WakeUps.announce { story.add("whom the \(name) woke") }
                }
            }
            #expect(story.lines == [])
            eventLoop.run()
            #expect(story.lines == ["first", "second", "whom the first woke", "whom the second woke"])
        }
    }
}

private final class Story: Sendable {
    private let told = Mutex<[String]>([])

    var lines: [String] { told.withLock { $0 } }

    func add(_ line: String) { told.withLock { $0.append(line) } }
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
