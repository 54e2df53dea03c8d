internal import CLinuxShims

/// Several descriptors that show as one (epoll(7)): it is readable when one of them is.
public final class DescriptorSet {
    private let descriptor: OwnedDescriptor

    /// An empty set.
    public init() throws(SystemError) {
        descriptor = OwnedDescriptor(try systemCall("epoll_create1") { clinux_open_set() })
    }

    /// For poll(2).
    public var number: Int32 { descriptor.number }

    /// Adds a descriptor; one that is in the set stays.
    public func insert(_ member: Int32) {
        _ = clinux_set_insert(descriptor.number, member)
    }

    /// Takes a descriptor out; one that is not in the set is none the less.
    public func remove(_ member: Int32) {
        _ = clinux_set_remove(descriptor.number, member)
    }
}

/// A descriptor that becomes readable again and again (timerfd_create(2)).
public final class IntervalTimer {
    private let descriptor: OwnedDescriptor

    /// Starts to count.
    public init(milliseconds: Int) throws(SystemError) {
        descriptor = OwnedDescriptor(
            try systemCall("timerfd_create") { clinux_open_interval_timer(Int32(milliseconds)) }
        )
    }

    /// For poll(2).
    public var number: Int32 { descriptor.number }

    /// Takes note of what has passed, so that the descriptor is readable for the next time only.
    public func drain() {
        _ = try? descriptor.read(maximum: 8)
    }
}
