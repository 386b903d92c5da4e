# An executor that does not answer as it should: perl peer.pl KIND SOCKET
use strict;
use warnings;
use IO::Socket::UNIX;
my ($kind, $path) = @ARGV;
unlink $path;
my $server = IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => $path, Listen => 64) or die "listen: $!";
chmod 0777, $path;
exit 0 if $kind eq 'refusing';
$SIG{CHLD} = 'IGNORE';
$SIG{PIPE} = 'IGNORE';
while (my $client = $server->accept or $!{EINTR}) {
  next unless $client;
  next if $kind eq 'closing';
  next if fork;
  $client->autoflush(1);
  if ($kind eq 'silent') { sleep 1000 }
  elsif ($kind eq 'slow') { for (1 .. 1000) { print $client "V"; sleep 1 } }
  elsif ($kind eq 'garbage') { print $client join '', map { chr(int(rand 256)) } 1 .. 65536; sleep 1000 }
  elsif ($kind eq 'dying') { sysread $client, my $request, 16; print $client "VGPU\1\0\0"; }
  exit 0;
}
