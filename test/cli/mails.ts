/**
 * mails - what programs really hand to sendmail: their arguments, and their stdin.
 *
 * Recorded with a sendmail that wrote both down: Debian 12's cron 3.0pl1, at 3.2.5 and bsd-mailx
 * 8.1.2. Those of mdadm and fail2ban are put together as their sources do it (Monitor.c,
 * action.d/sendmail.conf); smartd calls mail(1).
 */
export interface Mailing {
  readonly by: string
  readonly args: readonly string[]
  readonly stdin: string
  readonly subject: string
  readonly text: string
}

export const MAILINGS: readonly Mailing[] = [
  {
    by: 'cron',
    args: ['-FCronDaemon', '-i', '-B8BITMIME', '-oem', 'root'],
    stdin: `From: root (Cron Daemon)
To: root
Subject: Cron <root@vm> echo "out äöü"; echo err >&2
MIME-Version: 1.0
Content-Type: text/plain; charset=US-ASCII
Content-Transfer-Encoding: 8bit
X-Cron-Env: <SHELL=/bin/sh>
X-Cron-Env: <PATH=/usr/bin:/bin>
X-Cron-Env: <MAILTO=root>
X-Cron-Env: <HOME=/root>
X-Cron-Env: <LOGNAME=root>

out äöü
err
`,
    subject: 'Cron <root@vm> echo "out äöü"; echo err >&2',
    text: 'out äöü\nerr\n',
  },
  {
    by: 'cron for two, with a line of one dot',
    args: ['-FCronDaemon', '-i', '-B8BITMIME', '-oem', 'root,ann@example.com'],
    stdin: `From: root (Cron Daemon)
To: root,ann@example.com
Subject: Cron <root@vm> printf "zweites äöü\\n.\\nende\\n"
MIME-Version: 1.0
Content-Type: text/plain; charset=US-ASCII
Content-Transfer-Encoding: 8bit
X-Cron-Env: <LANG=C.UTF-8>

zweites äöü
.
ende
`,
    subject: 'Cron <root@vm> printf "zweites äöü\\n.\\nende\\n"',
    text: 'zweites äöü\n.\nende\n',
  },
  {
    by: 'at',
    args: ['-i', 'root'],
    stdin: `Subject: Output from your job        1
To: root

from at
ls: cannot access '/nonexistent': No such file or directory
`,
    subject: 'Output from your job        1',
    text: "from at\nls: cannot access '/nonexistent': No such file or directory\n",
  },
  {
    by: 'bsd-mailx',
    args: ['-i', '-t'],
    stdin: `To: root,ann@example.com
Subject: Backup failed
MIME-Version: 1.0
Content-Type: text/plain; charset="UTF-8"
Content-Transfer-Encoding: 8bit

body äöü
`,
    subject: 'Backup failed',
    text: 'body äöü\n',
  },
  {
    by: 'mdadm',
    args: ['-t'],
    stdin: `From: mdadm monitoring <root>
To: root
Subject: DegradedArray event on /dev/md0:vm

This is an automatically generated mail message from mdadm
running on vm

A DegradedArray event had been detected on md device /dev/md0.

Faithfully yours, etc.
`,
    subject: 'DegradedArray event on /dev/md0:vm',
    text: `This is an automatically generated mail message from mdadm
running on vm

A DegradedArray event had been detected on md device /dev/md0.

Faithfully yours, etc.
`,
  },
  {
    by: 'fail2ban',
    args: ['-f', 'fail2ban@vm', 'root'],
    stdin: `Subject: [Fail2Ban] sshd: banned 192.0.2.7 from vm
Date: Fri, 27 Nov 2026 20:45:30 +0000
From: Fail2Ban <fail2ban@vm>
To: root

Hi,

The IP 192.0.2.7 has just been banned by Fail2Ban after
5 attempts against sshd.

Regards,

Fail2Ban`,
    subject: '[Fail2Ban] sshd: banned 192.0.2.7 from vm',
    text: `Hi,

The IP 192.0.2.7 has just been banned by Fail2Ban after
5 attempts against sshd.

Regards,

Fail2Ban
`,
  },
]
