package main

// echoSource is the floor: the least that a server does which takes datagrams in
// batches and answers each with a message of its own.
const echoSource = `
#define _GNU_SOURCE
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { N = 64, SIZE = 2048 };
static unsigned char data[N][SIZE];
static struct sockaddr_in from[N];
static struct iovec part[N];
static struct mmsghdr msg[N];

static void prepare(int i) {
	part[i].iov_base = data[i];
	part[i].iov_len = SIZE;
	msg[i].msg_hdr.msg_name = &from[i];
	msg[i].msg_hdr.msg_namelen = sizeof from[i];
	msg[i].msg_hdr.msg_iov = &part[i];
	msg[i].msg_hdr.msg_iovlen = 1;
}

int main(int argc, char **argv) {
	int s = socket(AF_INET, SOCK_DGRAM, 0), room = 4 << 20;
	struct sockaddr_in self = {0};
	self.sin_family = AF_INET;
	self.sin_port = htons(atoi(argv[1]));
	self.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(s, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
	setsockopt(s, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
	if (bind(s, (struct sockaddr *)&self, sizeof self) != 0)
		return 1;
	for (;;) {
		for (int i = 0; i < N; i++)
			prepare(i);
		int got = recvmmsg(s, msg, N, MSG_WAITFORONE, NULL);
		for (int i = 0; i < got; i++) {
			data[i][2] |= 0x80; /* QR */
			part[i].iov_len = msg[i].msg_len;
		}
		for (int sent = 0, n; sent < got; sent += n)
			if ((n = sendmmsg(s, msg + sent, got - sent, 0)) <= 0)
				break;
	}
}
`
