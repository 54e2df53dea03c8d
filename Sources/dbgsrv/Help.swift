/// What `dbgsrv -?` prints.
let helpText = """
    dbgsrv: process server; it does the ptrace work on this machine for any number of debuggers.

      dbgsrv -t Transport [-v] [--log FILE] [--read-only] [--policy FILE]
             [[-sifeo EXECUTABLE] -c[s] COMMAND LINE] [-x ... | -pc COMMAND LINE]
      dbgsrv --stdio [options]                          one session over standard input and output
      dbgsrv --image-options COMMAND LINE
      dbgsrv --new-certificate NAME [--machine]         makes a certificate and says how to use it

    Transport:
      com:port=PORT,baud=RATE,channel=0-254   a channel of a serial port
      tcp:port=PORT[,IcfEnable]               a TCP port, or the first free one of LOW:HIGH
      npipe:pipe=NAME                         a named pipe, for programs of this user here
      ssl:proto=tls1,certuser=CERT,port=PORT  a TCP port with TLS
      spipe:proto=tls1,certuser=CERT,pipe=NAME
      com:...,proto=tls1,certuser=CERT        TLS on a channel, for a cable that leaves the room

      -v            say on standard error what happens
      --log FILE    write what happens to FILE; --log journal: to the journal
      --max-sessions N             sessions at once (256)
      --max-sessions-per-client N  sessions of one machine, user or serial channel at once (64)
      --handshake-seconds N        how long a client may take until it is greeted (60)
      --no-discovery  do not answer other machines that ask for the servers here (cdb -QR)
      --read-only   clients may look, and change nothing
      --policy FILE what clients may do, to which programs (man dbgsrv, docs/policy.md)
      -c LINE       start a program, running and not debugged; all that follows is its command line
      -cs LINE      the same, stopped before its first instruction: cdb -pb -p PID sets it going, or
                    in cdb ~*m and g
      -sifeo EXE    before -c: the image options of EXE do not count for that program
      -pc LINE      all that follows is the command line that a client's cdb -cimp starts
      -x            ignore the rest of the command line
      -?            this help
      --version     the version
      --image-options LINE
                    run LINE, or the debugger that ~/.config/dbgsrv/image-options.d/NAME or
                    /etc/dbgsrv/image-options.d/NAME has for a program of that name (debugger = ...)

    A LINE is a program and its arguments; one single word with spaces in it is split as a shell would.
    IcfEnable opens the port in firewalld, ufw or nftables, and says what closes it again.

    A serial port is com2, 2, a device path or a symlink to one; several servers and debuggers may
    use one port at the same time, each server on its own channel.

    CERT is a file's name, a subject or a thumbprint (SHA-1 or SHA-256): with certuser= in
    ~/.config/dbgsrv/certificates, with machuser= in /etc/dbgsrv/certificates. proto= is tls1 (TLS 1.3
    or 1.2), tls12 or tls13; with clientcert=CERT only clients get in that show that certificate, or
    one that it vouches for.

    A password: add ,password=SECRET to the transport (1–12 letters and digits), or keep it out of process
    lists: ,password=@file:PATH (first line; chmod 600), ,password=@env:NAME or ,password=@ask. It is never
    sent. gdb and lldb then come through dbgbridge. Wrong passwords make their sender wait longer and longer.

    Clients:   cdb -premote com:port=PORT,baud=RATE,channel=N -p PID
               cdb -premote tcp:server=HOST,port=PORT PROGRAM ARGUMENTS
               gdb -ex 'target extended-remote HOST:PORT'
               gdb -ex 'target extended-remote | ssh HOST dbgsrv --stdio'
               gdb -ex 'target extended-remote | dbgbridge -c com:port=PORT,baud=RATE,channel=N -s stdio'

    It runs until SIGTERM, SIGINT or a client's .endpsrv; what clients attached to then runs on.
    Exit status: 0 ended in order, 1 wrong command line, 2 the transport or the program of -c could
    not be had.

    """
