{{/* ratekeeper.yaml: what the values say, and .Values.settings above it. */}}

{{/* redis or redis_per_second. Takes its values and the folders of its secrets. */}}
{{- define "ratekeeper.settings.redis" -}}
{{- $redis := .redis -}}
{{- $made := dict "topology" $redis.topology "key_prefix" $redis.keyPrefix -}}
{{- if $redis.urls }}{{ $_ := set $made "urls" $redis.urls }}{{ end -}}
{{- if $redis.sentinelMaster }}{{ $_ := set $made "sentinel_master" $redis.sentinelMaster }}{{ end -}}
{{- if $redis.auth.existingSecret -}}
{{- if $redis.auth.usernameKey }}{{ $_ := set $made "username_file" (printf "%s/username" .folder) }}{{ end -}}
{{- $_ := set $made "password_file" (printf "%s/password" .folder) -}}
{{- end -}}
{{- $tls := dict "enabled" $redis.tls.enabled -}}
{{- if not $redis.tls.verifyHostName }}{{ $_ := set $tls "verify_host_name" false }}{{ end -}}
{{- if $redis.tls.serverName }}{{ $_ := set $tls "server_name" $redis.tls.serverName }}{{ end -}}
{{- if or $redis.tls.caConfigMap.name (and $redis.tls.existingSecret $redis.tls.caKey) -}}
{{- $_ := set $tls "ca" (printf "%s-tls/ca.crt" .folder) -}}
{{- end -}}
{{- if and $redis.tls.existingSecret $redis.tls.certificateKey -}}
{{- $_ := set $tls "certificate" (printf "%s-tls/tls.crt" .folder) -}}
{{- $_ := set $tls "key" (printf "%s-tls/tls.key" .folder) -}}
{{- end -}}
{{- if gt (len $tls) 1 | or $redis.tls.enabled }}{{ $_ := set $made "tls" $tls }}{{ end -}}
{{- toYaml $made -}}
{{- end -}}

{{- define "ratekeeper.settings.grpcTls" -}}
{{- $tls := dict "certificate" "/etc/ratekeeper/grpc-tls/tls.crt" "key" "/etc/ratekeeper/grpc-tls/tls.key" -}}
{{- $ca := .Values.tls.clientCa -}}
{{- if or $ca.existingSecret $ca.existingConfigMap -}}
{{- $_ := set $tls "client_ca" "/etc/ratekeeper/grpc-client-ca/ca.crt" -}}
{{- $_ := set $tls "client_certificate" .Values.tls.clientCertificate -}}
{{- with .Values.tls.allowedNames }}{{ $_ := set $tls "allowed_names" . }}{{ end -}}
{{- end -}}
{{- toYaml $tls -}}
{{- end -}}

{{- define "ratekeeper.redisPerSecondIsUsed" -}}
{{- if or .Values.redisPerSecond.urls .Values.redisPerSecond.urlsSecret.name }}true{{ end -}}
{{- end -}}

{{/* Everything that goes into the file, as YAML. */}}
{{- define "ratekeeper.settings" -}}
{{- $host := .Values.listenHost -}}
{{- $made := dict
  "rules" (dict "paths" (list "/etc/ratekeeper/rules"))
  "listen" (dict
    "grpc" (printf "%s:8081" $host)
    "http" (printf "%s:8080" $host)
    "metrics" (printf "%s:9090" $host)
    "admin" "127.0.0.1:6070")
  "store" .Values.store
  "drain" (dict "pause" "5s" "deadline" "25s")
  "log" (dict "format" "json") -}}
{{- if not (or .Values.rules.files .Values.rules.existingConfigMaps) -}}
{{- $_ := set $made.rules "allow_empty" true -}}
{{- end -}}
{{- if .Values.tls.enabled -}}
{{- $_ := set $made "grpc" (dict "tls" (include "ratekeeper.settings.grpcTls" . | fromYaml)) -}}
{{- end -}}
{{- if eq .Values.store "redis" -}}
{{- $one := dict "redis" .Values.redis "folder" "/etc/ratekeeper/redis" -}}
{{- $_ := set $made "redis" (include "ratekeeper.settings.redis" $one | fromYaml) -}}
{{- if include "ratekeeper.redisPerSecondIsUsed" . -}}
{{- $second := dict "redis" .Values.redisPerSecond "folder" "/etc/ratekeeper/redis-per-second" -}}
{{- $_ := set $made "redis_per_second" (include "ratekeeper.settings.redis" $second | fromYaml) -}}
{{- end -}}
{{- end -}}
{{- toYaml (mergeOverwrite $made (deepCopy .Values.settings)) -}}
{{- end -}}

{{/* A duration as ratekeeper reads it, in whole seconds, rounded up. */}}
{{- define "ratekeeper.seconds" -}}
{{- $units := dict "us" 1 "ms" 1000 "s" 1000000 "m" 60000000 "h" 3600000000 "d" 86400000000 -}}
{{- if not (regexMatch "^([0-9]+(us|ms|s|m|h|d))+$" .) -}}
{{- fail (printf "%q is not a duration: write a number with ms, s, m or h, such as 25s" .) -}}
{{- end -}}
{{- $micros := 0 -}}
{{- range regexFindAll "[0-9]+(us|ms|s|m|h|d)" . -1 -}}
{{- $micros = add $micros (mul (regexFind "^[0-9]+" . | int64) (get $units (regexFind "[a-z]+$" .) | int64)) -}}
{{- end -}}
{{- div (add $micros 999999) 1000000 -}}
{{- end -}}

{{/* How long the drain may take: pause and deadline of the file. */}}
{{- define "ratekeeper.drainSeconds" -}}
{{- $drain := (include "ratekeeper.settings" . | fromYaml).drain -}}
{{- add (include "ratekeeper.seconds" $drain.pause | int64) (include "ratekeeper.seconds" $drain.deadline | int64) -}}
{{- end -}}

{{/* The grace period: five seconds more than the drain may take, unless the values give one. */}}
{{- define "ratekeeper.gracePeriod" -}}
{{- if kindIs "invalid" .Values.terminationGracePeriodSeconds -}}
{{- add (include "ratekeeper.drainSeconds" . | int64) 5 -}}
{{- else -}}
{{- int64 .Values.terminationGracePeriodSeconds -}}
{{- end -}}
{{- end -}}
