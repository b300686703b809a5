/**
 * Rule sets of other programs, as those make them: commands for sh(1), and texts for nft(8).
 * @module
 */

/** Both families' iptables, each line with `$t` for the tool. */
const forBoth = (lines: string): string => `
for t in iptables ip6tables; do
${lines.trim()}
done`;

/** Docker 28, its default bridge and no container; FORWARD as it leaves it where it has switched forwarding on. */
const docker = forBoth(`
  $t -P FORWARD DROP
  for c in DOCKER DOCKER-BRIDGE DOCKER-CT DOCKER-FORWARD DOCKER-INTERNAL DOCKER-USER; do $t -N $c; done
  $t -A FORWARD -j DOCKER-USER
  $t -A FORWARD -j DOCKER-FORWARD
  $t -A DOCKER ! -i docker0 -o docker0 -j DROP
  $t -A DOCKER-BRIDGE -o docker0 -j DOCKER
  $t -A DOCKER-CT -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
  $t -A DOCKER-FORWARD -j DOCKER-CT
  $t -A DOCKER-FORWARD -j DOCKER-INTERNAL
  $t -A DOCKER-FORWARD -j DOCKER-BRIDGE
  $t -A DOCKER-FORWARD -i docker0 -j ACCEPT
  $t -t nat -N DOCKER
  $t -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
  $t -t nat -A OUTPUT -m addrtype --dst-type LOCAL -j DOCKER`);

/** Docker before 27: isolation in stages. */
const dockerWithStages = forBoth(`
  $t -P FORWARD DROP
  for c in DOCKER DOCKER-USER DOCKER-ISOLATION-STAGE-1 DOCKER-ISOLATION-STAGE-2; do $t -N $c; done
  $t -A FORWARD -j DOCKER-USER
  $t -A FORWARD -j DOCKER-ISOLATION-STAGE-1
  $t -A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
  $t -A FORWARD -o docker0 -j DOCKER
  $t -A FORWARD -i docker0 ! -o docker0 -j ACCEPT
  $t -A FORWARD -i docker0 -o docker0 -j ACCEPT
  $t -A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
  $t -A DOCKER-ISOLATION-STAGE-1 -j RETURN
  $t -A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
  $t -A DOCKER-ISOLATION-STAGE-2 -j RETURN
  $t -A DOCKER-USER -j RETURN`);

/** ufw with its default policies, which drop and log what is forwarded. */
const ufw = forBoth(`
  u=ufw; [ $t = iptables ] || u=ufw6
  for c in before-logging before after after-logging reject track; do $t -N $u-$c-forward; done
  for c in user-forward user-limit user-limit-accept user-logging-forward logging-deny; do $t -N $u-$c; done
  $t -P FORWARD DROP
  for c in before-logging before after after-logging reject track; do $t -A FORWARD -j $u-$c-forward; done
  $t -A $u-before-forward -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
  $t -A $u-before-forward -j $u-user-forward
  $t -A $u-after-logging-forward -m limit --limit 3/min --limit-burst 10 -j LOG --log-prefix "[UFW BLOCK] "
  $t -A $u-logging-deny -m conntrack --ctstate INVALID -m limit --limit 3/min --limit-burst 10 -j RETURN
  $t -A $u-logging-deny -m limit --limit 3/min --limit-burst 10 -j LOG --log-prefix "[UFW BLOCK] "
  $t -A $u-user-limit -j REJECT
  $t -A $u-user-limit-accept -j ACCEPT`);

/** kube-proxy in mode iptables: one service, 10.96.0.10:80 and node port 30080, whose endpoint is 10.71.0.2:80. */
const kubeProxy = `
for t in iptables ip6tables; do $t -P FORWARD DROP; done
for t in iptables ip6tables; do $t-restore --noflush <<'END'
*filter
:KUBE-EXTERNAL-SERVICES - [0:0]
:KUBE-FIREWALL - [0:0]
:KUBE-FORWARD - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-PROXY-FIREWALL - [0:0]
:KUBE-SERVICES - [0:0]
-A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
-A INPUT -m comment --comment "kubernetes health check service ports" -j KUBE-NODEPORTS
-A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES
-A INPUT -j KUBE-FIREWALL
-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES
-A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
-A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -j KUBE-FIREWALL
-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x4000/0x4000 -j ACCEPT
-A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
COMMIT
END
done
iptables -A KUBE-FIREWALL ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m comment --comment "block incoming localnet connections" -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP
iptables-restore --noflush <<'END'
*nat
:KUBE-MARK-MASQ - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-EXT-WEB - [0:0]
:KUBE-SVC-WEB - [0:0]
:KUBE-SEP-WEB - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --xor-mark 0x4000
-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully
-A KUBE-SERVICES -d 10.96.0.10/32 -p tcp -m comment --comment "default/web cluster IP" -m tcp --dport 80 -j KUBE-SVC-WEB
-A KUBE-SERVICES ! -d 127.0.0.0/8 -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
-A KUBE-NODEPORTS -p tcp -m comment --comment "default/web" -m tcp --dport 30080 -j KUBE-EXT-WEB
-A KUBE-EXT-WEB -m comment --comment "masquerade traffic for default/web external destinations" -j KUBE-MARK-MASQ
-A KUBE-EXT-WEB -j KUBE-SVC-WEB
-A KUBE-SVC-WEB ! -s 10.64.0.0/12 -d 10.96.0.10/32 -p tcp -m comment --comment "default/web cluster IP" -m tcp --dport 80 -j KUBE-MARK-MASQ
-A KUBE-SVC-WEB -m comment --comment "default/web -> 10.71.0.2:80" -j KUBE-SEP-WEB
-A KUBE-SEP-WEB -s 10.71.0.2/32 -m comment --comment "default/web" -j KUBE-MARK-MASQ
-A KUBE-SEP-WEB -p tcp -m comment --comment "default/web" -m tcp -j DNAT --to-destination 10.71.0.2:80
COMMIT
END`;

/** kube-proxy in mode nftables: the same service, on a host where somebody else drops what is forwarded. */
const kubeProxyOfNftables = `
for t in iptables ip6tables; do $t -P FORWARD DROP; done
nft -f - <<'END'
table ip kube-proxy {
  comment "rules for kube-proxy"
  set cluster-ips { type ipv4_addr; comment "Active ClusterIPs"; elements = { 10.96.0.10 } }
  set nodeport-ips { type ipv4_addr; comment "IPs that accept NodePort traffic"; elements = { 192.0.2.1 } }
  map firewall-ips { type ipv4_addr . inet_proto . inet_service : verdict; }
  map no-endpoint-nodeports { type inet_proto . inet_service : verdict; }
  map no-endpoint-services { type ipv4_addr . inet_proto . inet_service : verdict; elements = { 10.96.0.11 . tcp . 80 : goto reject-chain } }
  map service-ips { type ipv4_addr . inet_proto . inet_service : verdict; elements = { 10.96.0.10 . tcp . 80 : goto service-WEB } }
  map service-nodeports { type inet_proto . inet_service : verdict; elements = { tcp . 30080 : goto external-WEB } }
  chain reject-chain { reject; }
  chain mark-for-masquerade { meta mark set meta mark or 0x4000; }
  chain endpoint-WEB { ip saddr 10.71.0.2 jump mark-for-masquerade; meta l4proto tcp dnat to 10.71.0.2:80; }
  chain service-WEB { ip daddr 10.96.0.10 ip saddr != 10.64.0.0/12 jump mark-for-masquerade; numgen random mod 1 vmap { 0 : goto endpoint-WEB }; }
  chain external-WEB { jump mark-for-masquerade; goto service-WEB; }
  chain cluster-ips-check { ip daddr @cluster-ips reject; ip daddr { 10.96.0.0/16 } drop; }
  chain service-endpoints-check { ip daddr . meta l4proto . th dport vmap @no-endpoint-services; }
  chain nodeport-endpoints-check { ip daddr @nodeport-ips meta l4proto . th dport vmap @no-endpoint-nodeports; }
  chain firewall-check { ip daddr . meta l4proto . th dport vmap @firewall-ips; }
  chain services { ip daddr . meta l4proto . th dport vmap @service-ips; ip daddr @nodeport-ips meta l4proto . th dport vmap @service-nodeports; }
  chain masquerading { meta mark and 0x4000 == 0 return; meta mark set meta mark xor 0x4000; masquerade fully-random; }
  chain filter-prerouting-pre-dnat { type filter hook prerouting priority -110; ct state new jump firewall-check; }
  chain filter-output-pre-dnat { type filter hook output priority -110; ct state new jump firewall-check; }
  chain filter-forward { type filter hook forward priority 0; ct state new jump service-endpoints-check; ct state new jump cluster-ips-check; }
  chain filter-input { type filter hook input priority 0; ct state new jump nodeport-endpoints-check; ct state new jump service-endpoints-check; }
  chain filter-output { type filter hook output priority 0; ct state new jump service-endpoints-check; ct state new jump cluster-ips-check; }
  chain nat-prerouting { type nat hook prerouting priority -100; jump services; }
  chain nat-output { type nat hook output priority -100; jump services; }
  chain nat-postrouting { type nat hook postrouting priority 100; jump masquerading; }
}
END`;

/** Hosts that drop what they do not know, in both families. */
export const droppers = {
  docker,
  "docker of old": dockerWithStages,
  ufw,
  "kube-proxy": kubeProxy,
  "kube-proxy of mode nftables": kubeProxyOfNftables,
};

/** Docker 29 with its nftables back end, where it has switched forwarding on. */
export const dockerOfNftables = ["ip", "ip6"]
  .map(
    (family) => `
table ${family} docker-bridges {
  map filter-forward-in-jumps { type ifname : verdict; elements = { "docker0" : jump filter-forward-in__docker0 } }
  map filter-forward-out-jumps { type ifname : verdict; elements = { "docker0" : jump filter-forward-out__docker0 } }
  chain filter-forward-in__docker0 {
    ct state established,related counter accept
    iifname "docker0" counter accept comment "ICC"
    counter drop comment "UNPUBLISHED PORT DROP"
  }
  chain filter-forward-out__docker0 {
    ct state established,related counter accept
    counter accept comment "OUTGOING"
  }
  chain filter-FORWARD {
    type filter hook forward priority filter; policy drop;
    oifname vmap @filter-forward-in-jumps
    iifname vmap @filter-forward-out-jumps
  }
}`,
  )
  .join("\n");
