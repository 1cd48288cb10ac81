{{/* What no schema can refuse: values that do not go together. Each message says what to write instead. */}}

{{- define "ratekeeper.check.redis" -}}
{{- $name := .name -}}
{{- $redis := .redis -}}
{{- range $redis.urls -}}
{{- if contains "@" . -}}
{{- fail (printf "%s.urls: a user and password there would stand in a ConfigMap. Keep them in a secret: %s.auth.existingSecret, or %s.urlsSecret for whole URLs" $name $name $name) -}}
{{- end -}}
{{- end -}}
{{- if and $redis.urls $redis.urlsSecret.name -}}
{{- fail (printf "%s.urls and %s.urlsSecret.name exclude each other: name the servers at one place" $name $name) -}}
{{- end -}}
{{- if and (eq $redis.topology "sentinel") (not $redis.sentinelMaster) -}}
{{- fail (printf "%s.sentinelMaster is missing: write what the Sentinels call the master" $name) -}}
{{- end -}}
{{- if and $redis.tls.certificateKey (not $redis.tls.existingSecret) -}}
{{- fail (printf "%s.tls.existingSecret is missing: it holds the certificate that %s.tls.certificateKey names" $name $name) -}}
{{- end -}}
{{- if ne (empty $redis.tls.certificateKey) (empty $redis.tls.keyKey) -}}
{{- fail (printf "%s.tls.certificateKey and %s.tls.keyKey go together: a certificate is of use with its key only" $name $name) -}}
{{- end -}}
{{- $tls := or $redis.tls.existingSecret $redis.tls.caConfigMap.name $redis.tls.serverName (not $redis.tls.verifyHostName) -}}
{{- if and $tls (not $redis.tls.enabled) (not $redis.urlsSecret.name) (not (contains "rediss://" (join " " $redis.urls))) -}}
{{- fail (printf "%s.tls is given, but no server is asked by TLS: write %s.tls.enabled: true, or rediss:// URLs" $name $name) -}}
{{- end -}}
{{- end -}}

{{- define "ratekeeper.check.store" -}}
{{- $more := or .Values.autoscaling.enabled .Values.keda.enabled (gt (int .Values.replicaCount) 1) -}}
{{- if and (eq .Values.store "local") $more (not .Values.allowUnsharedCounts) -}}
{{- fail "with store: local each replica counts for itself, so N replicas let N times each limit pass. Set store: redis and redis.urls; or, where that is meant, allowUnsharedCounts: true" -}}
{{- end -}}
{{- if eq .Values.store "redis" -}}
{{- if not (or .Values.redis.urls .Values.redis.urlsSecret.name) -}}
{{- fail "store: redis needs servers: write redis.urls, such as [redis://redis.example:6379], or name a secret that has them, redis.urlsSecret.name" -}}
{{- end -}}
{{- include "ratekeeper.check.redis" (dict "name" "redis" "redis" .Values.redis) -}}
{{- include "ratekeeper.check.redis" (dict "name" "redisPerSecond" "redis" .Values.redisPerSecond) -}}
{{- else if or .Values.redis.urls .Values.redis.urlsSecret.name (include "ratekeeper.redisPerSecondIsUsed" .) -}}
{{- fail "redis.urls are given, but store is local, which asks no Redis: set store: redis" -}}
{{- end -}}
{{- end -}}

{{- define "ratekeeper.check.tls" -}}
{{- $tls := .Values.tls -}}
{{- $ca := or $tls.clientCa.existingSecret $tls.clientCa.existingConfigMap -}}
{{- if and $tls.enabled $tls.existingSecret $tls.certManager.enabled -}}
{{- fail "tls.existingSecret and tls.certManager.enabled exclude each other: the certificate has one source" -}}
{{- end -}}
{{- if and $tls.enabled (not (or $tls.existingSecret $tls.certManager.enabled)) -}}
{{- fail "tls.enabled needs a certificate: name a secret with tls.crt and tls.key by tls.existingSecret, or set tls.certManager.enabled" -}}
{{- end -}}
{{- if and $tls.enabled $tls.certManager.enabled (not $tls.certManager.issuerRef.name) -}}
{{- fail "tls.certManager.issuerRef.name is missing: write the Issuer or ClusterIssuer that signs the certificate" -}}
{{- end -}}
{{- if and $tls.clientCa.existingSecret $tls.clientCa.existingConfigMap -}}
{{- fail "tls.clientCa.existingSecret and tls.clientCa.existingConfigMap exclude each other" -}}
{{- end -}}
{{- if and $tls.allowedNames (not $ca) -}}
{{- fail "tls.allowedNames needs tls.clientCa: names are of use only in certificates that are verified" -}}
{{- end -}}
{{- if and (not $tls.enabled) (or $tls.existingSecret $tls.certManager.enabled $ca) -}}
{{- fail "tls.* is given, but tls.enabled is false: the gRPC port would speak plaintext. Set tls.enabled: true" -}}
{{- end -}}
{{- end -}}

{{- define "ratekeeper.check.scaling" -}}
{{- if and .Values.autoscaling.enabled .Values.keda.enabled -}}
{{- fail "autoscaling.enabled and keda.enabled exclude each other: two autoscalers would work against each other" -}}
{{- end -}}
{{- if and .Values.keda.enabled (not .Values.keda.triggers) -}}
{{- fail "keda.triggers is empty: KEDA needs at least one, such as {type: cpu, metricType: Utilization, metadata: {value: \"70\"}}" -}}
{{- end -}}
{{- if and .Values.autoscaling.enabled (gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas)) -}}
{{- fail "autoscaling.minReplicas is above autoscaling.maxReplicas" -}}
{{- end -}}
{{- if and .Values.keda.enabled (gt (int .Values.keda.minReplicas) (int .Values.keda.maxReplicas)) -}}
{{- fail "keda.minReplicas is above keda.maxReplicas" -}}
{{- end -}}
{{- $requests := default dict (default dict .Values.resources).requests -}}
{{- if and .Values.autoscaling.enabled .Values.autoscaling.targetCPUUtilizationPercentage (not $requests.cpu) -}}
{{- fail "autoscaling.targetCPUUtilizationPercentage is a part of resources.requests.cpu, which is missing" -}}
{{- end -}}
{{- if and .Values.autoscaling.enabled .Values.autoscaling.targetMemoryUtilizationPercentage (not $requests.memory) -}}
{{- fail "autoscaling.targetMemoryUtilizationPercentage is a part of resources.requests.memory, which is missing" -}}
{{- end -}}
{{- $targets := or .Values.autoscaling.targetCPUUtilizationPercentage .Values.autoscaling.targetMemoryUtilizationPercentage .Values.autoscaling.metrics -}}
{{- if and .Values.autoscaling.enabled (not $targets) -}}
{{- fail "autoscaling has nothing to go by: write autoscaling.targetCPUUtilizationPercentage, or metrics of your own, autoscaling.metrics" -}}
{{- end -}}
{{- end -}}

{{/* Secrets under settings would stand in the ConfigMap, and addresses there would not fit the ports of the pod. */}}
{{- define "ratekeeper.check.settings" -}}
{{- $settings := .Values.settings -}}
{{- range $name, $instead := dict "redis" "redis.auth.existingSecret" "redis_per_second" "redisPerSecond.auth.existingSecret" -}}
{{- $redis := default dict (get $settings $name) -}}
{{- if $redis.password -}}
{{- fail (printf "settings.%s.password would stand in a ConfigMap: use %s" $name $instead) -}}
{{- end -}}
{{- range $redis.urls -}}
{{- if contains "@" . -}}
{{- fail (printf "settings.%s.urls: a user and password there would stand in a ConfigMap: use %s" $name $instead) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if (default dict $settings.decision_log).hash_secret -}}
{{- fail "settings.decision_log.hash_secret would stand in a ConfigMap: use decisionLog.existingSecret" -}}
{{- end -}}
{{- range list "grpc" "http" "metrics" -}}
{{- if get (default dict $settings.listen) . -}}
{{- fail (printf "settings.listen.%s would not fit the ports of the pod: the addresses are made of listenHost, and callers see service.ports.%s" . .) -}}
{{- end -}}
{{- end -}}
{{- if (default dict $settings.grpc).tls -}}
{{- fail "settings.grpc.tls: nothing would be mounted there, and the pod would be asked in plaintext whether it is ready. Write tls.enabled with tls.existingSecret or tls.certManager, and for callers tls.clientCa, tls.clientCertificate and tls.allowedNames" -}}
{{- end -}}
{{- if $settings.store -}}
{{- fail "settings.store: write store, beside settings" -}}
{{- end -}}
{{- end -}}

{{- define "ratekeeper.check.grace" -}}
{{- $needed := include "ratekeeper.drainSeconds" . | int64 -}}
{{- $given := include "ratekeeper.gracePeriod" . | int64 -}}
{{- if le $given $needed -}}
{{- fail (printf "terminationGracePeriodSeconds: %d is too short: settings.drain.pause and settings.drain.deadline take %d s together. Give more than that, or leave it out, and it is made to fit" $given $needed) -}}
{{- end -}}
{{- end -}}

{{- define "ratekeeper.check.monitors" -}}
{{- if and .Values.metrics.serviceMonitor.enabled .Values.metrics.podMonitor.enabled -}}
{{- fail "metrics.serviceMonitor.enabled and metrics.podMonitor.enabled exclude each other: every figure would be scraped twice" -}}
{{- end -}}
{{- end -}}

{{- define "ratekeeper.check" -}}
{{- include "ratekeeper.check.image" . -}}
{{- include "ratekeeper.check.budget" . -}}
{{- include "ratekeeper.check.egress" . -}}
{{- include "ratekeeper.check.store" . -}}
{{- include "ratekeeper.check.tls" . -}}
{{- include "ratekeeper.check.scaling" . -}}
{{- include "ratekeeper.check.settings" . -}}
{{- include "ratekeeper.check.grace" . -}}
{{- include "ratekeeper.check.monitors" . -}}
{{- end -}}
