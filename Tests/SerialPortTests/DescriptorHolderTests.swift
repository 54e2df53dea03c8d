import Foundation
import LinuxSystem
import Testing

@Suite("Who holds a port")
struct DescriptorHolderTests {
    @Test("is found among the open descriptors of other processes")
    func openByOther() throws {
        let line = try Line()
        let status = try FileAttributes(path: line.path)
        let helper = try Helper("sh", ["-c", "exec 5<>\(line.path); exec cat"])
        var holders: [DescriptorHolder] = []
        while holders.isEmpty {
            holders = DescriptorHolder.ofDevice(
                major: status.deviceMajor,
                minor: status.deviceMinor
            )
        }
        #expect(holders.map(\.processID) == [helper.processID])
    }

    @Test("is read from the kernel's lock table by device and inode")
    func lockTable() throws {
        let line = try Line()
        var status = try FileAttributes(path: line.path)
        status.fileSystem = 0x15
        status.inode = 1034
        let table = """
            1: FLOCK  ADVISORY  WRITE 77 00:14:1034 0 EOF
            2: -> FLOCK  ADVISORY  WRITE 88 00:15:1034 0 EOF
            3: POSIX  ADVISORY  READ 99 00:15:1035 0 EOF
            garbage
            4: FLOCK  ADVISORY  WRITE \(getpid()) 00:15:1034 0 EOF
            """
        #expect(DescriptorHolder.ofLock(on: status, locks: table)?.processID == getpid())
        #expect(DescriptorHolder.ofLock(on: status, locks: "") == nil)
    }
}
