{{/* What Envoy needs to ask this release; NOTES.txt prints it. */}}

{{/*
Not empty where the values say that the pods are in Istio's mesh. Its callers are, too: their proxies have a cluster for the Service already, and no
other one has the mesh's certificates.
*/}}
{{- define "ratekeeper.inMesh" -}}
{{- $labels := .Values.podLabels | default dict -}}
{{- $annotations := .Values.podAnnotations | default dict -}}
{{- $injects := "sidecar.istio.io/inject" -}}
{{- if or .Values.networkPolicy.mesh.mode
          (eq (toString (get $labels $injects)) "true")
          (eq (toString (get $annotations $injects)) "true")
          (eq (toString (get $labels "istio.io/dataplane-mode")) "ambient") -}}
yes
{{- end -}}
{{- end -}}

{{/* The Service as Istio names it, where the cluster has the usual domain. */}}
{{- define "ratekeeper.mesh.host" -}}
{{- printf "%s.cluster.local" (include "ratekeeper.host" .) -}}
{{- end -}}

{{- define "ratekeeper.envoy.cluster" -}}
{{- $address := include "ratekeeper.host" . -}}
{{- if .Values.service.headless.enabled -}}
{{- $address = printf "%s-headless.%s.svc" (include "ratekeeper.fullname" .) (include "ratekeeper.namespace" .) -}}
{{- end -}}
- name: ratekeeper
  type: STRICT_DNS
  connect_timeout: 0.25s
  lb_policy: LEAST_REQUEST
  typed_extension_protocol_options:
    envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
      "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
      explicit_http_config:
        http2_protocol_options:
          connection_keepalive: {interval: 10s, timeout: 2s, interval_jitter: {value: 10}}
  upstream_connection_options: {tcp_keepalive: {keepalive_time: 30, keepalive_interval: 5, keepalive_probes: 3}}
  health_checks:
    - timeout: 0.5s
      interval: 1s
      no_traffic_interval: 1s
      interval_jitter: 0.2s
      unhealthy_threshold: 1
      healthy_threshold: 1
      grpc_health_check: {service_name: envoy.service.ratelimit.v3.RateLimitService}
  outlier_detection:
    consecutive_5xx: 20
    interval: 1s
    base_ejection_time: 5s
    max_ejection_time: 30s
    max_ejection_percent: 50
  circuit_breakers:
    thresholds:
      - {max_connections: 1024, max_retries: 1000, max_pending_requests: 10000, max_requests: 10000}
  common_lb_config: {update_merge_window: 0s}
{{- if .Values.tls.enabled }}
{{ include "ratekeeper.envoy.tls" . | indent 2 }}
{{- end }}
  load_assignment:
    cluster_name: ratekeeper
    endpoints:
      - lb_endpoints:
          - endpoint: {address: {socket_address: {address: {{ $address }}, port_value: {{ include "ratekeeper.envoy.port" . }}}}}
{{- end -}}

{{/* The headless Service leads to the pods themselves, whose port is always the same. */}}
{{- define "ratekeeper.envoy.port" -}}
{{- .Values.service.headless.enabled | ternary 8081 .Values.service.ports.grpc -}}
{{- end -}}

{{- define "ratekeeper.envoy.tls" -}}
{{- $ca := .Values.tls.clientCa -}}
transport_socket:
  name: envoy.transport_sockets.tls
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
    sni: {{ include "ratekeeper.host" . }}
    common_tls_context:
      alpn_protocols: [h2]
      tls_params: {tls_minimum_protocol_version: TLSv1_3, tls_maximum_protocol_version: TLSv1_3}
      {{- if or $ca.existingSecret $ca.existingConfigMap }}
      # Envoy's own certificate{{ with .Values.tls.allowedNames }}, which has to be for one of: {{ join ", " . }}{{ end }}
      tls_certificate_sds_secret_configs:
        - name: client
          sds_config:
            resource_api_version: V3
            path_config_source: {path: /etc/envoy/sds/ratekeeper-client.yaml}
      {{- end }}
      combined_validation_context:
        default_validation_context:
          match_typed_subject_alt_names:
            - {san_type: DNS, matcher: {exact: {{ include "ratekeeper.host" . }}}}
        # The CA that signed the certificate in the secret {{ include "ratekeeper.tlsSecretName" . }}.
        validation_context_sds_secret_config:
          name: ca
          sds_config:
            resource_api_version: V3
            path_config_source: {path: /etc/envoy/sds/ratekeeper-ca.yaml}
{{- end -}}

{{/* The domain of the first file of rules, if it can be read. */}}
{{- define "ratekeeper.envoy.domain" -}}
{{- $domains := list -}}
{{- range $_, $rules := .Values.rules.files -}}
{{- $tree := kindIs "string" $rules | ternary (fromYaml (toString $rules)) $rules -}}
{{- with $tree.domain }}{{ $domains = append $domains . }}{{ end -}}
{{- end -}}
{{- first $domains | default "the-domain-in-your-rules" -}}
{{- end -}}

{{- define "ratekeeper.envoy.filter" -}}
- name: envoy.filters.http.ratelimit
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimit
    domain: {{ include "ratekeeper.envoy.domain" . }}
    timeout: 0.02s
    failure_mode_deny: false
    rate_limit_service:
      transport_api_version: V3
      grpc_service:
        {{- if include "ratekeeper.inMesh" . }}
        envoy_grpc:
          cluster_name: "outbound|{{ .Values.service.ports.grpc }}||{{ include "ratekeeper.mesh.host" . }}"
          # Without it, Envoy takes the cluster's name for the host that it asks, which is no host: every call fails.
          authority: {{ include "ratekeeper.mesh.host" . }}
        {{- else }}
        envoy_grpc: {cluster_name: ratekeeper}
        {{- end }}
        # Beside envoy_grpc, as Envoy does not heed it inside. max_interval is also how long one try may take.
        retry_policy:
          retry_on: connect-failure,refused-stream,unavailable,reset
          num_retries: 3
          retry_back_off: {base_interval: 0.001s, max_interval: 1s}
          retry_host_predicate:
            - name: envoy.retry_host_predicates.previous_hosts
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate
          host_selection_retry_max_attempts: 20
{{- end -}}
