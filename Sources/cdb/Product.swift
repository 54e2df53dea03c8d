import WireCore

/// What the program says of itself.
enum Product {
    static let version = ProgramVersion.text
    /// As the greeting to a process server has it.
    static let greeting = "cdb/" + version
    static let banner = "Linux Console Debugger Version \(version)"

    static let usage = """
        usage: cdb [options] [-p PID | -pn Name | program arguments]      on this machine
               cdb -premote ClientTransport [options] [-p PID | -pn Name | -cimp | program arguments]
               cdb -z CoreFile [options] [program]  look at a core file
               cdb -k Kernel [options] [vmlinux]    debug a kernel
               cdb -remote ClientTransport [options]   join somebody else's session (.server, -server)
               cdb -QR Machine                     list the servers of a machine (\\\\BOX17, //box17, 10.0.0.7)
               cdb -QR com:port=Port,baud=BaudRate list those at the other end of a cable

        ClientTransport:
          tcp:server=Host,port=Port
          com:port=Port,baud=BaudRate,channel=0-254
          npipe:server=localhost,pipe=PipeName     another Host is reached through ssh
          tcp:clicon=Host,port=Port                waits for a server that connects (a range too)
          ssl:proto=tls1,certuser=Cert,server=Host,port=Port
          spipe:proto=tls1,certuser=Cert,server=localhost,pipe=PipeName
          com:...,proto=tls1,certuser=Cert
            Cert: the server's certificate, by its thumbprint, or by the name of a copy in
            ~/.config/dbgsrv/certificates (machuser=: /etc/dbgsrv/certificates); ca=Cert
            takes what that authority vouches for, clientcert=Cert shows one of your own
          ,password=SECRET                         or @file:PATH, @env:NAME, @ask

        Sharing a session:
          -server ServerTransport   (first option) others may join: tcp:port=5005, npipe:pipe=Name,
                          com:port=Port,baud=BaudRate,channel=0-254, ssl:proto=tls1,certuser=Cert,port=Port,
                          spipe:..., tcp:port=Port,clicon=Host; ,password=SECRET ,hidden ,IcfEnable
                          ,readonly (nobody types) ,readonly-password=SECRET (who has it looks only);
                          .server starts more of them at any time
          -remote ClientTransport   (first option) joins such a session: what you type is carried out there;
                          Ctrl+C breaks in, Ctrl+B and Enter leave, qq ends the session for everybody
          -noio           with -server: no console, only clients and -c
          -noshell        forbid .shell (a shared session has none anyway)
          -clines lines   with -remote: how much earlier text to show (200)
          -bonc           with -remote: break in as soon as the session is joined
          -sharelog file  with -server: note who joins and who types what

        What to debug:
          -p PID          attach to a process of the target's machine (decimal)
          -pn Name        attach to the only process of that name
          -psn Unit       attach to the main process of a systemd unit
          -cimp           start the command line that the server was given (dbgsrv -pc)
          program ...     start a program; all that follows are its arguments
          -k Kernel       a kernel's stub, kgdb or a virtual machine's: com:port=Port,baud=BaudRate (a cable
                          without channels), com:pipe,port=Path[,reconnect] (a socket or pseudo-terminal),
                          com:ipport=Port,port=Host, or a ClientTransport that a dbgbridge -k serves;
                          vmlinux is the kernel's image
          -z CoreFile     a core file of the kernel's, of gcore or of .dump; again for more of them.
                          The files that were mapped are looked for at their own places and in the
                          folders of -i and -y; a program behind it is the one that it was made of

        Options:
          -c "commands"   commands for the first prompt, separated by ;
          -cf file        a file of commands for the first prompt; -cfr file: after every .restart too
          -xe event       stop at an event or signal (sxe); -xd second chance, -xn tell, -xi ignore; -x: -xd av
          -g              do not stop at the beginning
          -G              end when the process ends
          -pb             do not break in when attaching; what is suspended (dbgsrv -cs) runs
          -pr             let what is suspended run after the first g
          -pe             with -p: take over what another debugger has left with .abandon
          -pd             let the process run on at the end of the session
          -pv             look only: the process stands meanwhile, and nothing lets it run
          -pt seconds     how long a break-in may take
          -o              debug child processes too
          -y path         symbol path, folders separated by ;
          -i path         image path
          -srcpath path   source path
          -lines          step by source line (l+t)
          -logo file      log into a new file; -loga appends
          -v              say more
          --json place    events for tools, a line of JSON each: a file or fd:N (docs/json-events.md)
          -sins           leave _NT_SYMBOL_PATH and its like out of account
          -version, -?    show the version, show this

        Exit codes: 0 in order, 1 wrong usage, 2 no connection, 3 trouble with the target.

        """
}
