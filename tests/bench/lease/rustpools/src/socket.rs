//! The connections: TCP sockets that a check looks at without reading or waiting.

use std::io;
use std::net::TcpStream;
use std::os::fd::AsRawFd;

pub struct Socket(TcpStream);

/// Opens and checks connections for each of the pools.
pub struct Manager {
    pub address: String,
    pub check: bool,
}

impl Manager {
    fn open(&self) -> io::Result<Socket> {
        TcpStream::connect(&self.address).map(Socket)
    }
}

impl Socket {
    /// Whether the peer is there and has sent nothing.
    fn silent(&self) -> io::Result<()> {
        let mut one = 0u8;
        let n = unsafe {
            libc::recv(
                self.0.as_raw_fd(),
                std::ptr::addr_of_mut!(one).cast(),
                1,
                libc::MSG_PEEK | libc::MSG_DONTWAIT,
            )
        };
        match io::Error::last_os_error() {
            e if n < 0 && e.kind() == io::ErrorKind::WouldBlock => Ok(()),
            e if n < 0 => Err(e),
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}

impl r2d2::ManageConnection for Manager {
    type Connection = Socket;
    type Error = io::Error;

    fn connect(&self) -> io::Result<Socket> {
        self.open()
    }

    fn is_valid(&self, socket: &mut Socket) -> io::Result<()> {
        socket.silent()
    }

    fn has_broken(&self, _: &mut Socket) -> bool {
        false
    }
}

impl bb8::ManageConnection for Manager {
    type Connection = Socket;
    type Error = io::Error;

    async fn connect(&self) -> io::Result<Socket> {
        self.open()
    }

    async fn is_valid(&self, socket: &mut Socket) -> io::Result<()> {
        socket.silent()
    }

    fn has_broken(&self, _: &mut Socket) -> bool {
        false
    }
}

impl deadpool::managed::Manager for Manager {
    type Type = Socket;
    type Error = io::Error;

    async fn create(&self) -> io::Result<Socket> {
        self.open()
    }

    async fn recycle(
        &self,
        socket: &mut Socket,
        _: &deadpool::managed::Metrics,
    ) -> deadpool::managed::RecycleResult<io::Error> {
        if self.check {
            socket.silent()?;
        }
        Ok(())
    }
}
