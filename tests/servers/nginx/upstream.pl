# An HTTP server that takes its time: `GET /STATUS/MILLISECONDS` is answered so after so long. Prints its port.
use strict;
use warnings;
use Socket;

$SIG{CHLD} = 'IGNORE';
socket(my $listener, PF_INET, SOCK_STREAM, 0) or die $!;
bind($listener, sockaddr_in(0, INADDR_LOOPBACK)) or die $!;
listen($listener, 128) or die $!;
$| = 1;
print +(sockaddr_in(getsockname($listener)))[0], "\n";
while (accept(my $connection, $listener)) {
  next if fork;
  my $request = '';
  while (sysread($connection, $request, 4096, length $request)) {
    next unless $request =~ /\r\n\r\n/;
    my ($status, $wait) = $request =~ m{^GET /(\d+)/(\d+)};
    select(undef, undef, undef, $wait / 1000);
    syswrite($connection, "HTTP/1.1 $status Said\r\nContent-Length: 5\r\nConnection: close\r\n\r\nsaid\n");
    last;
  }
  exit;
}
