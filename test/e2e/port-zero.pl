# Begins a TFTP transfer, then sends to its port from UDP port 0, which only a raw socket can.
use strict;
use warnings;
use Socket;
my ($host) = @ARGV;
socket(my $client, AF_INET, SOCK_DGRAM, 0) or die "socket: $!";
my $request = pack("n", 1) . "pxelinux.0\0octet\0blksize\0" . "512\0";
send($client, $request, 0, pack_sockaddr_in(69, inet_aton($host))) or die "send: $!";
my $from = recv($client, my $answer, 2000, 0) or die "recv: $!";
my ($transfer) = unpack_sockaddr_in($from);
socket(my $raw, AF_INET, SOCK_RAW, 17) or die "raw socket: $!";
for my $port (67, 69, $transfer) {
  my $datagram = pack("nnnn", 0, $port, 12, 0) . pack("nn", 4, 0);
  send($raw, $datagram, 0, pack_sockaddr_in(0, inet_aton($host))) or die "raw send: $!";
}
