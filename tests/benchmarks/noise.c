/* Packets that are nobody's handshake: TCP segments of 500 flows whose beginning was never seen, straight onto an interface.
 *
 * noise INTERFACE PACKETS_A_SECOND; until SIGTERM, then it prints how many it has sent. When it is late it catches up.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { FLOWS = 500, BATCH = 64, ETHERNET = 14, IP = 20, TCP = 20, PAYLOAD = 200, LENGTH = ETHERNET + IP + TCP + PAYLOAD };

static volatile sig_atomic_t over;

static void stop(int number) {
    (void)number;
    over = 1;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec * 1e-9;
}

static void put(uint8_t *at, uint32_t value) {
    value = htonl(value);
    memcpy(at, &value, 4);
}

static void prepare(uint8_t *frame, int flow) {
    uint8_t *ip = frame + ETHERNET, *tcp = ip + IP;
    frame[12] = 0x08; /* the EtherType of IPv4; a loopback's addresses are zeros */
    ip[0] = 0x45;
    ip[2] = (IP + TCP + PAYLOAD) >> 8;
    ip[3] = (IP + TCP + PAYLOAD) & 0xFF;
    ip[8] = 64;
    ip[9] = IPPROTO_TCP;
    put(ip + 12, 0x0A000000 + flow);
    put(ip + 16, 0x0A010000 + flow);
    put(tcp, (uint32_t)(30000 + flow) << 16 | 9999);
    put(tcp + 4, 1);
    put(tcp + 8, 1);
    tcp[12] = 5 << 4;
    tcp[13] = 0x18; /* PSH, ACK */
    tcp[14] = tcp[15] = 0xFF;
    for (int i = 0; i < PAYLOAD; i++)
        tcp[TCP + i] = i + 1;
}

int main(int count, char **arguments) {
    static uint8_t frames[FLOWS][LENGTH];
    static uint32_t sequence[FLOWS];
    struct mmsghdr messages[BATCH] = {0};
    struct iovec parts[BATCH];
    struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_halen = 6};
    int out = socket(AF_PACKET, SOCK_RAW, 0);
    if (count != 3 || out < 0 || !(to.sll_ifindex = if_nametoindex(arguments[1]))) {
        perror("noise INTERFACE PACKETS_A_SECOND");
        return 2;
    }
    signal(SIGTERM, stop);
    for (int i = 0; i < FLOWS; i++)
        prepare(frames[i], i);
    double rate = atof(arguments[2]), began = now();
    unsigned long sent = 0;
    while (!over) {
        double due = (now() - began) * rate - sent;
        if (due < BATCH) {
            nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
            continue;
        }
        for (int i = 0; i < BATCH; i++) {
            int flow = (sent + i) % FLOWS;
            put(frames[flow] + ETHERNET + IP + 4, sequence[flow] += PAYLOAD);
            parts[i] = (struct iovec){frames[flow], LENGTH};
            messages[i].msg_hdr = (struct msghdr){.msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &parts[i], .msg_iovlen = 1};
        }
        int done = sendmmsg(out, messages, BATCH, 0);
        if (done > 0)
            sent += done;
        else if (errno != ENOBUFS && errno != EINTR && errno != EAGAIN) {
            perror("sendmmsg");
            return 1;
        }
    }
    printf("%lu %.3f\n", sent, now() - began);
    return 0;
}
