{{/* Who may connect to the pods, and where they may connect to. */}}

{{- define "ratekeeper.networkPolicy.ingress" -}}
{{- $ingress := .Values.networkPolicy.ingress }}
{{- /* In ambient, calls arrive on one port, whatever port they are for, and from the address of the caller's pod. */}}
{{- $mesh := eq .Values.networkPolicy.mesh.mode "ambient" | ternary ", {protocol: TCP, port: 15008}" "" }}
- ports: [{protocol: TCP, port: grpc}{{ $mesh }}]
{{- include "ratekeeper.networkPolicy.peers" (dict "word" "from" "peers" $ingress.grpc.from) }}
{{- if $ingress.http.enabled }}
- ports: [{protocol: TCP, port: http}{{ $mesh }}]
{{- include "ratekeeper.networkPolicy.peers" (dict "word" "from" "peers" $ingress.http.from) }}
{{- end }}
{{- if $ingress.metrics.enabled }}
- ports: [{protocol: TCP, port: metrics}{{ $mesh }}]
{{- include "ratekeeper.networkPolicy.peers" (dict "word" "from" "peers" $ingress.metrics.from) }}
{{- end }}
{{- if .Values.tests.enabled }}
- ports: [{protocol: TCP, port: grpc}, {protocol: TCP, port: http}{{ $mesh }}]
  from:
    - podSelector:
        matchLabels:
          {{- include "ratekeeper.test.selectorLabels" . | nindent 10 }}
{{- end }}
{{- if eq .Values.networkPolicy.mesh.mode "ambient" }}
{{- /* The kubelet's probes have this address in ambient pods, so that they are told from calls. */}}
- ports: [{protocol: TCP, port: grpc}, {protocol: TCP, port: http}]
  from: [{ipBlock: {cidr: 169.254.7.127/32}}]
{{- end }}
{{- with $ingress.extra }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "ratekeeper.networkPolicy.egress" -}}
{{- $egress := .Values.networkPolicy.egress }}
{{- if $egress.dns.enabled }}
- ports:
    {{- range $egress.dns.ports }}
    - {protocol: UDP, port: {{ . }}}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
{{- include "ratekeeper.networkPolicy.peers" (dict "word" "to" "peers" $egress.dns.to) }}
{{- end }}
{{- if and $egress.redis.enabled (eq .Values.store "redis") }}
- ports:
    {{- range include "ratekeeper.networkPolicy.redisPorts" . | fromJsonArray }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
{{- include "ratekeeper.networkPolicy.peers" (dict "word" "to" "peers" $egress.redis.to) }}
{{- end }}
{{- $endpoint := include "ratekeeper.collector.endpoint" . }}
{{- if eq (toString $egress.collector.enabled) "auto" | ternary $endpoint (eq (toString $egress.collector.enabled) "true") }}
- ports:
    {{- range include "ratekeeper.collector.ports" . | fromJsonArray }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
{{- include "ratekeeper.networkPolicy.peers" (dict "word" "to" "peers" $egress.collector.to) }}
{{- end }}
{{- $statsd := include "ratekeeper.statsd.port" . }}
{{- if and $statsd (eq (toString $egress.statsd.enabled) "auto") }}
- ports: [{protocol: UDP, port: {{ $statsd }}}]
{{- include "ratekeeper.networkPolicy.peers" (dict "word" "to" "peers" $egress.statsd.to) }}
{{- end }}
{{- include "ratekeeper.networkPolicy.toMesh" . }}
{{- with $egress.extra }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The proxy beside us gets certificates and configuration from istiod; in ambient, the node's does, and calls go to HBONE's port. */}}
{{- define "ratekeeper.networkPolicy.toMesh" -}}
{{- $mesh := .Values.networkPolicy.mesh -}}
{{- if eq $mesh.mode "sidecar" }}
- ports: [{protocol: TCP, port: 15012}]
{{- include "ratekeeper.networkPolicy.peers" (dict "word" "to" "peers" $mesh.istiod) }}
{{- else if eq $mesh.mode "ambient" }}
- ports: [{protocol: TCP, port: 15008}]
{{- end }}
{{- end -}}

{{/* The collector that settings or variables name; nothing where none is. */}}
{{- define "ratekeeper.collector.endpoint" -}}
{{- $found := dig "tracing" "endpoint" "" .Values.settings -}}
{{- range .Values.extraEnv -}}
{{- if has .name (list "OTEL_EXPORTER_OTLP_ENDPOINT" "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" "RATEKEEPER_TRACING__ENDPOINT") -}}
{{- $found = default .value $found | default "given elsewhere" -}}
{{- end -}}
{{- end -}}
{{- $found -}}
{{- end -}}

{{- define "ratekeeper.collector.ports" -}}
{{- $ports := list -}}
{{- range .Values.networkPolicy.egress.collector.ports }}{{ $ports = append $ports (int .) }}{{ end -}}
{{- $endpoint := include "ratekeeper.collector.endpoint" . -}}
{{- $port := regexFind "[0-9]+$" (regexFind ":[0-9]+$" (regexReplaceAll "^([a-z]+://[^/]*).*$" $endpoint "${1}")) -}}
{{- if $port }}{{ $ports = append $ports (int $port) }}
{{- else if hasPrefix "https://" $endpoint }}{{ $ports = append $ports 443 }}
{{- else if hasPrefix "http://" $endpoint }}{{ $ports = append $ports 80 }}
{{- end -}}
{{- $ports | uniq | toJson -}}
{{- end -}}

{{/* The port of StatsD's receiver; nothing where there is none, or where it is in the pod itself. */}}
{{- define "ratekeeper.statsd.port" -}}
{{- $address := dig "metrics" "statsd" "address" "" .Values.settings -}}
{{- if not (regexMatch "^(127\\.|localhost:|\\[::1\\])" $address) -}}
{{- regexFind "[0-9]+$" $address -}}
{{- end -}}
{{- end -}}

{{/* No peers are all peers. */}}
{{- define "ratekeeper.networkPolicy.peers" -}}
{{- with .peers }}
  {{ $.word }}:
    {{- toYaml . | nindent 4 }}
{{- end }}
{{- end -}}

{{/* The ports of all URLs. Of Sentinels and of URLs in a secret, what they lead to is taken to be Redis's usual ports. */}}
{{- define "ratekeeper.networkPolicy.redisPorts" -}}
{{- $ports := .Values.networkPolicy.egress.redis.extraPorts -}}
{{- range list .Values.redis .Values.redisPerSecond -}}
{{- range .urls -}}
{{- $ports = append $ports (regexFind "[0-9]+$" (regexFind ":[0-9]+$" (regexReplaceAll "^([a-z]+://[^/]*).*$" . "${1}")) | default "6379" | int) -}}
{{- end -}}
{{- if or .urlsSecret.name (eq .topology "sentinel") }}{{ $ports = append $ports 6379 }}{{ end -}}
{{- if and .urlsSecret.name (eq .topology "sentinel") }}{{ $ports = append $ports 26379 }}{{ end -}}
{{- end -}}
{{- $numbers := list -}}
{{- range $ports }}{{ $numbers = append $numbers (int .) }}{{ end -}}
{{- $numbers | uniq | toJson -}}
{{- end -}}
